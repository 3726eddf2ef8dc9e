"""What pages about organisations share: what may be chosen, what was typed, who looks after them, and their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, cast

from flask import request
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import attachments, quarantine
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.errors import PortalError
from portal.forms import uscc as codes
from portal.identity import registering
from portal.identity.changes import Change
from portal.identity.entry import (
    FILE,
    MANAGE,
    ORGANISATION_KINDS,
    PROOF_KINDS,
    PROOF_LIMIT,
    READ,
    RIGHTS,
    Entry,
    NoSuchChoice,
    PersonalEntry,
    plain,
)
from portal.identity.models import Proof
from portal.identity.registering import StoredProof
from portal.procedures.manifest import Material
from portal.web import dates, languages
from portal.web.languages import listed
from portal.web.people import standing_in
from portal.web.uploads import store

PROOF = "proof"
_SHOWN = 20
"""So much of a value that nobody offered is shown again."""
_TOKEN = re.compile(r"[\w-]{16,64}", re.ASCII)
KEPT = "kept_proof"
"""The hidden input that names a proof uploaded before."""


@dataclass(frozen=True)
class Typed:
    """An organisation as it was typed into a form; the code in its stored form, whatever is wrong with it."""

    uscc: str = ""
    name: str = ""
    district: str = ""
    kind: str = ""
    agrees: bool = False
    joins: bool = False
    rights: tuple[str, ...] = (FILE,)

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        form = request.form
        return cls(
            uscc=codes.normal(form.get("uscc", "")),
            name=plain(form.get("name", "")),
            district=form.get("district", "").strip(),
            kind=form.get("kind", ""),
            agrees=posted_agreement("agrees", "yes", "no") == "yes",
            joins=form.get("joins") == "yes",
            rights=posted_rights(),
        )

    def entry(self) -> Entry:
        """The same as identity takes it; who does not join becomes the first person and needs no rights named."""
        entry = Entry(self.uscc, self.name, self.district, self.kind, self.agrees, self.joins)
        return replace(entry, rights=self.rights) if self.joins else entry


@dataclass(frozen=True)
class TypedPerson:
    """A natural person as he typed himself; the identity number as it was typed."""

    name: str = ""
    id_number: str = field(default="", repr=False)
    district: str = ""
    agrees: bool = False
    joins = False

    @classmethod
    def read(cls) -> TypedPerson:
        """What this request posts."""
        form = request.form
        return cls(
            name=plain(form.get("name", "")),
            id_number=form.get("id_number", "").strip(),
            district=form.get("district", "").strip(),
            agrees=posted_agreement("agrees", "yes", "no") == "yes",
        )

    def entry(self) -> PersonalEntry:
        """The same as identity takes it."""
        return PersonalEntry(self.name, self.id_number, self.district, self.agrees)


@dataclass(frozen=True)
class ProofTaken:
    """The proof that this request brings or names, or why it is none."""

    row: Proof | None
    error: PortalError | None


def posted_rights() -> tuple[str, ...]:
    """The rights ticked in this request; NoSuchChoice for others than there are."""
    ticked = request.form.getlist("rights")
    for right in ticked:
        if right not in RIGHTS:
            raise NoSuchChoice(what=_("权限"), value=right[:_SHOWN])
    return tuple(right for right in RIGHTS if right in ticked)


def posted_agreement(name: str, *known: str) -> str:
    """What this request says of electronic service; NoSuchChoice unless it is nothing or one of the known values."""
    said = request.form.get(name, "")
    if said and said not in known:
        raise NoSuchChoice(what=_("电子送达"), value=said[:_SHOWN])
    return said


def kinds() -> list[tuple[str, str, None]]:
    """The kinds of organisation, as they may be chosen: value, name, nothing to add."""
    return [(kind, kind_text(kind), None) for kind in ORGANISATION_KINDS]


def labels() -> dict[str, str]:
    """How the fields of an organisation are called, and its kinds, for the page that shows what was typed."""
    return {
        "uscc": _("统一社会信用代码"),
        "name": _("单位名称"),
        "district": _("所在区县"),
        "kind": _("单位类别"),
        **{f"kind={kind}": kind_text(kind) for kind in ORGANISATION_KINDS},
    }


def kind_text(kind: str) -> str:
    """企业, 事业单位, 社会组织 or 自然人."""
    words = {
        "enterprise": _("企业"),
        "institution": _("事业单位"),
        "association": _("社会组织"),
        "person": _("自然人"),
    }
    return words.get(kind, kind)


def code_label(*, natural: bool) -> str:
    """What the code of a party is called."""
    return _("个人编号") if natural else _("统一社会信用代码")


def right_options() -> list[tuple[str, str, str]]:
    """The rights that may be ticked: value, name, what it allows. Everybody reads."""
    return [
        (FILE, pgettext("right", "办理"), _("提出申请和异议、补正、撤回，打开并签收文书")),
        (MANAGE, pgettext("right", "管理"), _("管理本单位人员、邀请和电子送达")),
    ]


def rights_text(rights: Iterable[str]) -> str:
    """管理、办理; 查看 where there is no other."""
    names = {MANAGE: pgettext("right", "管理"), FILE: pgettext("right", "办理"), READ: pgettext("right", "查看")}
    found = set(rights)
    return listed(names[right] for right in RIGHTS if right in found)


def districts(tx: Session) -> list[str]:
    """The districts that the regulations in force name, each once."""
    named = (name for one in in_force(tx) for name in one.regulation.districts)
    return list(dict.fromkeys(named))


def offices(tx: Session) -> frozenset[tuple[str, str]]:
    """The (regulation, role) that look after organisations, by the regulations in force."""
    regulations = (one.regulation for one in in_force(tx))
    return frozenset((one.slug, one.registration) for one in regulations if one.registration)


def take_proof() -> ProofTaken:
    """Looks at the proof of this request and stores it; without a new one, that which the page says it holds."""
    posted = request.files.get(PROOF)
    if posted is None or not posted.filename:
        return _kept(request.form.get(KEPT, ""))
    most = min(PROOF_LIMIT, machine().settings.upload_megabytes * 1_000_000)
    stream = cast(BinaryIO, posted.stream)
    try:
        file = attachments.examine(posted.filename, stream, Material(PROOF, PROOF, PROOF_KINDS, 1, most))
        store(posted, file)
    except PortalError as error:
        return ProofTaken(_kept(request.form.get(KEPT, "")).row, error)
    stored = StoredProof(file.key, file.name, file.kind, file.size, file.sha256)
    with machine().database.transaction() as tx:
        row = registering.keep_proof(tx, stored, clock.now())
        quarantine.admit(machine().kernel, tx, row)
        return ProofTaken(row, None)


def _kept(key: str) -> ProofTaken:
    with machine().database.transaction() as tx:
        return ProofTaken(registering.loose_proof(tx, token(key)), None)


def token(text: str) -> str:
    """A random text of ours as it came back with a page; empty when it is none."""
    return text if _TOKEN.fullmatch(text) else ""


def proof_limit_text() -> str:
    """可上传 pdf、jpg、png，不超过 10 MB."""
    most = min(PROOF_LIMIT, machine().settings.upload_megabytes * 1_000_000)
    return _("可上传 pdf、jpg、png，1 个文件，不超过 %(n)s MB。", n=most // 1_000_000)


def texts(errors: Mapping[str, PortalError]) -> dict[str, str]:
    """Errors by field, in the language of the page."""
    return {name: languages.said(error) for name, error in errors.items()}


@dataclass(frozen=True)
class ChangeView:
    """One line of the history of an organisation."""

    at: str
    text: str
    note: str
    moment: datetime


def change_view(change: Change, *, names_officials: bool, natural: bool = False) -> ChangeView:
    """A line in words; applicants read of an official only that the authority did it."""
    named = standing_in(change.who, change.principal)
    who = _("主管部门") if change.by_official and not names_officials else named
    said = _said_of_person(change, who) if natural else None
    return ChangeView(dates.exact(change.at), said or _said(change, who), _more(change), change.at)


def _said_of_person(change: Change, who: str) -> str | None:
    """What is said otherwise of a natural person, who is no organisation."""
    return {
        "organisation.added": _("%(who)s登记了该自然人", who=who),
        "person.joined": _("%(whom)s的账号开始使用", whom=change.whom),
        "agreement.given": _("%(who)s同意电子送达", who=who),
        "agreement.ended": _("%(who)s终止电子送达", who=who),
    }.get(change.kind)


def _said(change: Change, who: str) -> str:
    said: Mapping[str, str] = {
        "organisation.added": _("%(who)s登记了本单位", who=who),
        "person.joined": _("%(whom)s加入本单位", whom=change.whom),
        "person.removed": _("%(who)s移除了%(whom)s", who=who, whom=change.whom),
        "person.left": _("%(whom)s退出本单位", whom=change.whom),
        "rights.changed": _("%(who)s变更了%(whom)s的权限", who=who, whom=change.whom),
        "invitation.made": _("%(who)s发出一份邀请", who=who),
        "invitation.revoked": _("%(who)s撤销了一份邀请", who=who),
        "agreement.given": _("%(who)s代表本单位同意电子送达", who=who),
        "agreement.ended": _("%(who)s代表本单位终止电子送达", who=who)
        if who
        else _("电子送达随最后一名人员退出而终止"),
        "registration.approved": _("%(who)s核准了%(whom)s的注册申请", who=who, whom=change.whom),
        "system.added": _("%(who)s为本单位添加了系统账号%(whom)s", who=who, whom=change.whom),
        "person.closed": _("%(who)s停用了系统账号%(whom)s", who=who, whom=change.whom),
        "person.reopened": _("%(who)s重新启用了系统账号%(whom)s", who=who, whom=change.whom),
        "token.issued": _("%(who)s为%(whom)s新建了令牌", who=who, whom=change.whom),
        "token.revoked": _("%(who)s撤销了%(whom)s的令牌", who=who, whom=change.whom),
    }
    return said[change.kind]


def _more(change: Change) -> str:
    details = change.details
    if change.kind == "rights.changed":
        return _("%(before)s → %(after)s", before=rights_text(details["before"]), after=rights_text(details["after"]))
    if change.kind == "person.joined":
        way = _("凭邀请码") if "invitation" in details else _("经审核（%(n)s）", n=details["registration"])
        return _("%(way)s，权限：%(rights)s", way=way, rights=rights_text(details["rights"]))
    if change.kind.startswith("token."):
        return _("令牌“%(name)s”（编号 %(n)s）", name=details["name"], n=details["token"])
    if change.kind.startswith("invitation."):
        said = [_("邀请对象：%(note)s", note=details["note"])] if details.get("note") else []
        said += [_("权限：%(rights)s", rights=rights_text(details["rights"]))] if details.get("rights") else []
        return " · ".join(said)
    return ""
