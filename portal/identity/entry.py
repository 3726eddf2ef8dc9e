"""How people come to act for an organisation: their rights, what may be typed, invitation codes, what is refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from portal.errors import PortalError, Words
from portal.forms.characters import narrow
from portal.identity import idnumber
from portal.identity.rules import InvalidUscc, TooManyAttempts, accepted_uscc, digest

MANAGE, FILE, READ = "manage", "file", "read"
RIGHTS = (MANAGE, FILE, READ)
"""manage: people, invitations, electronic service; file: file, answer, sign for letters; read: everybody of it may."""
FIRST_RIGHTS = (MANAGE, FILE)
"""Those of the first person of an organisation."""

PERSON = "person"
"""The kind of a party that is one natural person."""
ORGANISATION_KINDS = ("enterprise", "institution", "association")
KINDS = (*ORGANISATION_KINDS, PERSON)
"""The kinds of parties, as roles for applicants name them."""

NAME_LENGTH, ORGANISATION_LENGTH, NOTE_LENGTH, REASON_LENGTH = 40, 100, 60, 500

INVITATION_LASTS = timedelta(days=7)
_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is taken for something else when it is read out
_CODE_GROUPS, _CODE_GROUP = 4, 5

PROOF_KINDS = ("pdf", "jpg", "jpeg", "png")
PROOF_LIMIT = 10_000_000
"""Bytes of one proof."""
PROOF_FORGOTTEN = timedelta(hours=24)

REGISTER, JOIN = "register", "join"
TRACK, TRACK_NUMBER, VERIFY_FILE = "track", "track number", "verify file"
REGISTRY_FILE = "registry file"
ASK_CODE, OLD_PASSWORD = "ask code", "old password"
OBJECT, OBJECT_NOTICE, OBJECT_FILES = "object", "object notice", "object files"
ATTEMPTS_ALLOWED: Mapping[str, int] = {
    REGISTER: 30,
    JOIN: 10,
    TRACK: 30,
    TRACK_NUMBER: 10,
    VERIFY_FILE: 30,
    REGISTRY_FILE: 30,
    ASK_CODE: 5,
    OLD_PASSWORD: 10,
    OBJECT: 20,
    OBJECT_NOTICE: 5,
    OBJECT_FILES: 30,
}
"""What is counted by network address, failures with a case's number by address and number together, and what a person
does to his account by that.

Were failures counted by the number alone, any stranger could lock a case's own people out of it: numbers run on and
stand on letters. What is filed in public is counted by address, and by address and notice together; its files by
address. From one address ten codes an hour can be tried for a number; a thousand addresses that guess for a
year find one code of 7 * 10^10 with a chance of 1 in 900, and then read what the applicant reads without a name.
"""
_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)
ATTEMPTS_WITHIN: Mapping[str, timedelta] = {
    REGISTER: _HOUR,
    JOIN: _QUARTER,
    TRACK: _QUARTER,
    TRACK_NUMBER: _HOUR,
    VERIFY_FILE: _QUARTER,
    REGISTRY_FILE: _QUARTER,
    ASK_CODE: _HOUR,
    OLD_PASSWORD: _QUARTER,
    OBJECT: _HOUR,
    OBJECT_NOTICE: _HOUR,
    OBJECT_FILES: _HOUR,
}


class Missing(PortalError):
    """Something that must be filled in is not."""

    zh = "请填写{what}。"
    en = "Please fill in: {what}."


class TooLong(PortalError):
    """A text above its limit."""

    zh = "{what}最多 {most} 个字，现有 {count} 个字。"
    en = "{what} may have {most} characters; it has {count}."


class Unreadable(PortalError):
    """A text with characters that cannot be shown."""

    zh = "{what}含有不能显示的字符，请重新输入。"
    en = "{what} holds characters that cannot be shown."


class NotOffered(PortalError):
    """A choice that is not among those offered."""

    zh = "请选择{what}。"
    en = "Please choose: {what}."


class ProofMissing(PortalError):
    """No licence or letter of authority was uploaded."""

    zh = "请上传证明文件：营业执照、法人证书或本单位的授权书。"
    en = "Please upload a proof: a licence or the organisation's letter of authority."


class PeopledAlready(PortalError):
    """The organisation has people already, so one joins it and does not register it once more."""

    zh = (
        "{name}（{uscc}）已在本门户注册并有人员。请向本单位的管理人员索取邀请码，凭邀请码加入；"
        "联系不上管理人员的，勾选“凭新的证明加入”并上传新的证明文件，经审核后加入。"
    )
    en = (
        "{name} ({uscc}) is registered and has people. Ask a manager there for an invitation code; "
        "if there is nobody to ask, tick “join by a new proof” and upload one; an official will look at it."
    )


class TooManyRegistrations(TooManyAttempts):
    """Too many registrations from one address within an hour."""

    zh = "从您的网络地址提交注册的次数过多，请一小时后再试。所填内容仍在本页。"
    en = "Too many registrations from your address: try again in an hour. What you typed is still on the page."


class TooManyCodes(TooManyAttempts):
    """Too many wrong invitation codes from one address within a quarter of an hour."""

    zh = "邀请码错误次数过多，请 15 分钟后再试。"
    en = "Too many wrong invitation codes: try again in 15 minutes."


class AlreadyInOrganisation(PortalError):
    """The person belongs to an organisation; one account acts for one."""

    zh = "您已是{name}的人员，一个账号只能代表一个单位。如要加入其他单位，请先退出本单位。"
    en = "You belong to {name} already; an account acts for one organisation. Leave it first."


class OfficialsDoNotJoin(PortalError):
    """An official's account cannot act for an organisation."""

    zh = "工作人员的账号不能注册或加入单位。请退出登录后，用您在单位的个人账号办理。"
    en = "An official's account can neither register nor join an organisation. Please sign out first."


class RegistrationWaits(PortalError):
    """The person has handed in a registration on which nothing was decided yet."""

    zh = "您的注册申请（{number}）正在审核，不需要再次提交。"
    en = "Your registration ({number}) is being looked at and need not be handed in again."


class UnknownRegistration(PortalError):
    """There is no such registration, or it is not this person's to see."""

    zh = "找不到所请求的内容，或者您无权查看。"
    en = "This does not exist, or it is not yours to see."


class IdProofMissing(ProofMissing):
    """No picture of the identity card was uploaded."""

    zh = "请上传身份证明：居民身份证的照片或 PDF，人像面和国徽面在一个文件里。"
    en = "Please upload a picture or PDF of both sides of the resident identity card, in one file."


class PersonTaken(PortalError):
    """The natural person has an account already that acts for him."""

    zh = "该居民身份号码已由{name}（{code}）登记并有账号，一人一个账号，不能核准。请退回或不予核准，并说明使用原账号。"
    en = "This identity number belongs to {name} ({code}), who has an account; nobody gets a second one."


class ProgramsDoNotManage(PortalError):
    """A system account would look after people."""

    zh = "{name}是系统账号，不能管理本单位人员，没有变动。"
    en = "{name} is a system account and cannot manage your organisation's people; nothing was changed."


class ActsAlone(PortalError):
    """A natural person acts for himself alone: nobody joins him, and he cannot leave himself."""

    zh = "自然人只由本人办理，不能邀请他人、变更权限或退出。"
    en = "A natural person acts alone: nobody can be invited, and there is nothing to leave."


class AlreadyDecided(PortalError):
    """Another official was faster."""

    zh = "这份注册申请已由{who}于 {when} {what}，您的决定没有提交。"
    en = "{who} decided on this registration at {when}; your decision was not carried out."


class AlreadyDecidedFor(AlreadyDecided):
    """Another official was faster, who stood in for somebody."""

    zh = "这份注册申请已由{who}（代 {principal}）于 {when} {what}，您的决定没有提交。"
    en = "{who} (for {principal}) decided on this registration at {when}; your decision was not carried out."


class HandedInAnew(PortalError):
    """The registration was returned and handed in again since the official looked at it."""

    zh = "申请人已重新提交这份申请，您看到的不是最新内容，决定没有提交。请核对新的内容后再决定。"
    en = "This registration was handed in again since you opened it; nothing was decided. Please look at it anew."


class SituationChanged(PortalError):
    """The organisation was registered, or got its first person or lost its last, since the official looked."""

    zh = "该单位的登记情况在您打开本页之后有变化（{now}），决定没有提交。请核对后再决定。"
    en = "The organisation's situation has changed since you opened the page; nothing was decided."


class NotYourOwn(PortalError):
    """Nobody decides on his own registration, and no applicant on anybody's."""

    zh = "不能审核自己提交的注册申请。"
    en = "Nobody may decide on his own registration."


class NotOfYourOrganisation(PortalError):
    """The person does not belong to the manager's organisation (any more)."""

    zh = "此人已不是本单位人员，没有变动。"
    en = "This person does not belong to your organisation any more; nothing was changed."


class MayNotManage(PortalError):
    """The person has no right to manage his organisation's people."""

    zh = "只有本单位的管理人员可以办理。需要的，请管理人员在“本单位”中给您“管理”权限。"
    en = "Only a manager of your organisation may do this."


class LastManager(PortalError):
    """The last manager may not go while others remain: nobody could let people in or out."""

    zh = "您是本单位最后一名管理人员，单位还有其他人员。请先把“管理”权限交给其中一人，再退出或放弃管理权限。"
    en = "You are the last manager while others remain. Give someone else the right to manage first."


class NoSuchChoice(PortalError):
    """A value was posted that the page does not offer."""

    zh = "{what}中没有“{value}”这一项，没有任何变动。请回到原页面，从所列各项中选择。"
    en = "“{value}” is none of the choices for {what}; nothing was changed."


class OtherWay(PortalError):
    """A manager removes others; himself he leaves."""

    zh = "不能移除自己。要退出本单位，请使用“退出本单位”。"
    en = "You cannot remove yourself; use “leave the organisation”."


class InvitationUnknown(PortalError):
    """No invitation has this code; whether it was mistyped or made up is not said."""

    zh = "邀请码不正确。请核对后重新输入，或请本单位的管理人员重新邀请。"
    en = "The invitation code is not right. Check it, or ask a manager for a new one."


class InvitationUsed(PortalError):
    """Somebody has joined by this code already."""

    zh = "这个邀请码已经用过，每个邀请码只能用一次。请本单位的管理人员重新邀请。"
    en = "This invitation code was used already; each is good for one person. Ask a manager for a new one."


class InvitationExpired(PortalError):
    """The seven days are over."""

    zh = "这个邀请码已于 {when} 过期。请本单位的管理人员重新邀请。"
    en = "This invitation code expired at {when}. Ask a manager for a new one."


class InvitationRevoked(PortalError):
    """A manager has taken the invitation back."""

    zh = "这个邀请码已被撤销。请与本单位的管理人员联系。"
    en = "This invitation was revoked. Please ask a manager."


class NoSuchInvitation(PortalError):
    """The invitation is not open any more."""

    zh = "这份邀请已经用过、过期或撤销，没有变动。"
    en = "This invitation was used, has expired or was revoked; nothing was changed."


@dataclass(frozen=True)
class Entry:
    """An organisation as it was typed, and how its first person or a further one wants to act for it."""

    uscc: str
    name: str
    district: str
    kind: str
    electronic_service: bool = False
    joins: bool = False
    rights: tuple[str, ...] = FIRST_RIGHTS


@dataclass(frozen=True)
class PersonalEntry:
    """A natural person as he typed himself; the 居民身份号码 goes nowhere but where it is kept."""

    name: str
    id_number: str = field(repr=False)
    district: str
    electronic_service: bool = False


@dataclass(frozen=True)
class Newcomer:
    """A person who has no account yet."""

    name: str
    login: str
    password: str = field(repr=False)


def plain(text: str) -> str:
    """A text without outer blanks, those inside run together."""
    return " ".join(text.split())


_NAME = Words("单位名称", "name of the organisation")
_DISTRICT = Words("所在区县", "district")
_KIND = Words("单位类别", "kind of organisation")
_USCC = Words("统一社会信用代码", "unified social credit code")
_PERSON_NAME = Words("姓名", "name")
_ID_NUMBER = Words("居民身份号码", "resident identity number")


def text_fault(what: str | Words, text: str, most: int) -> PortalError | None:
    """What is wrong with a name."""
    if not text:
        return Missing(what=what)
    if len(text) > most:
        return TooLong(what=what, most=most, count=len(text))
    return None if text.isprintable() else Unreadable(what=what)


def entry_faults(entry: Entry, districts: Sequence[str]) -> dict[str, PortalError]:
    """What is wrong with an organisation as typed, by field; without `districts` any name of one will do."""
    faults: dict[str, PortalError | None] = {
        "uscc": _uscc_fault(entry.uscc),
        "name": text_fault(_NAME, entry.name, ORGANISATION_LENGTH),
        "district": text_fault(_DISTRICT, entry.district, NAME_LENGTH),
        "kind": None if entry.kind in ORGANISATION_KINDS else NotOffered(what=_KIND),
    }
    if districts and entry.district not in districts:
        faults["district"] = NotOffered(what=_DISTRICT)
    return {name: fault for name, fault in faults.items() if fault is not None}


def personal_faults(entry: PersonalEntry, districts: Sequence[str], today: date) -> dict[str, PortalError]:
    """What is wrong with a natural person as typed, by field; without `districts` any name of one will do."""
    faults: dict[str, PortalError | None] = {
        "name": text_fault(_PERSON_NAME, entry.name, NAME_LENGTH),
        "id_number": _id_number_fault(entry.id_number, today),
        "district": text_fault(_DISTRICT, entry.district, NAME_LENGTH),
    }
    if districts and entry.district not in districts:
        faults["district"] = NotOffered(what=_DISTRICT)
    return {name: fault for name, fault in faults.items() if fault is not None}


def _id_number_fault(text: str, today: date) -> PortalError | None:
    if not text.strip():
        return Missing(what=_ID_NUMBER)
    try:
        idnumber.accepted(text, today)
    except idnumber.InvalidIdNumber as error:
        return error
    return None


def _uscc_fault(text: str) -> PortalError | None:
    if not text.strip():
        return Missing(what=_USCC)
    try:
        accepted_uscc(text)
    except InvalidUscc as error:
        return error
    return None


def normal_rights(rights: Iterable[str]) -> tuple[str, ...]:
    """Rights in their order; reading is everybody's and stands only where there is no other. ValueError for others."""
    asked = set(rights)
    if not asked <= set(RIGHTS):
        raise ValueError(f"no such rights: {sorted(asked - set(RIGHTS))}")
    return tuple(right for right in (MANAGE, FILE) if right in asked) or (READ,)


def new_code() -> str:
    """A code of four groups of five: some 10^30 of them."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_GROUP)) for _ in range(_CODE_GROUPS))
    return "-".join(groups)


def code_digest(code: str) -> bytes:
    """How a code is stored, however it was typed: case, width, blanks and dashes do not count."""
    typed = "".join(character for character in narrow(code).upper() if character.isalnum())
    return digest(f"invitation {typed}")


def invitation_fault(
    expires_at: datetime, used_at: datetime | None, revoked_at: datetime | None, moment: datetime, when: str
) -> PortalError | None:
    """Why an invitation lets nobody in at a moment; `when` is the end of its days in words."""
    if used_at is not None:
        return InvitationUsed()
    if revoked_at is not None:
        return InvitationRevoked()
    return InvitationExpired(when=when) if moment >= expires_at else None
