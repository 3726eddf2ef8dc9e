"""Organisations and the people who come to act for them: handed in, decided, invited, joined, left, agreed."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal import identity
from portal.errors import PortalError
from portal.identity import changes, membership, registering, rules, throttle
from portal.identity.entry import (
    JOIN,
    PROOF_FORGOTTEN,
    REGISTER,
    AlreadyDecided,
    AlreadyInOrganisation,
    Entry,
    HandedInAnew,
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    InvitationUsed,
    LastManager,
    MayNotManage,
    Newcomer,
    NoSuchInvitation,
    NotOfYourOrganisation,
    NotYourOwn,
    OfficialsDoNotJoin,
    OtherWay,
    PeopledAlready,
    ProofMissing,
    RegistrationWaits,
    SituationChanged,
    UnknownRegistration,
)
from portal.identity.models import Invitation, Organisation, Person, Proof, Registration, SignedIn
from portal.identity.registering import EMPTY, NEW, PEOPLED, StoredProof
from portal.identity.rules import LoginTaken, UsccCheckDigit, UsccTaken, WeakPassword

NOW = datetime(2026, 9, 24, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TODAY = date(2026, 9, 24)
PASSWORD = "correct horse 电池"
USCC, OTHER = "91110000802100433B", "9144030071526726XG"
MILL = Entry(USCC, "重庆某水泥有限公司", "万州区", "enterprise", electronic_service=True)
numbers = itertools.count(1)


def newcomer(login="wang", name="王磊"):
    return Newcomer(name, login, PASSWORD)


def a_proof(tx):
    key = f"proof-{next(numbers)}"
    registering.keep_proof(tx, StoredProof(key, "营业执照.pdf", "pdf", 3, "0" * 64), NOW)
    return key


def handed_in(tx, who=None, entry=MILL, at=NOW):
    return registering.hand_in(tx, who or newcomer(), entry, a_proof(tx), f"once-{next(numbers)}", at)


def actor(tx, person_id):
    found = identity.actor_of(tx, person_id, TODAY)
    assert found is not None
    return found


def an_official(tx, login="li", name="李强"):
    person = identity.add_person(tx, login=login, name=name, password=PASSWORD)
    identity.grant_role(tx, person_id=person.id, regulation="chongqing-ets", role="intake", from_day=TODAY)
    return actor(tx, person.id)


def approved(tx, row, by, expects=NEW, rights=("file",), at=NOW):
    return registering.approve(tx, by, row.id, row.round, expects, rights, at)


def a_manager(tx, by=None):
    """The first person of the mill, let in by an official."""
    row = handed_in(tx)
    approved(tx, row, by or an_official(tx))
    return actor(tx, row.person_id)


def a_member(tx, manager, login, rights=("file",)):
    _, code = membership.invite(tx, manager, rights, "某人", NOW)
    return actor(tx, membership.join(tx, newcomer(login, login), code, NOW).id)


def kinds_of(tx, organisation_id):
    return [change.kind for change in reversed(changes.of_organisation(tx, organisation_id))]


# Handing in


def test_whoever_registers_has_an_account_at_once_and_belongs_nowhere(tx):
    row = handed_in(tx, entry=Entry(**{**vars(MILL), "uscc": " 91110000802100433b"}))
    assert (row.uscc, row.state, row.round, row.number) == (USCC, "waiting", 1, f"ZC{row.id:08d}")
    token = identity.sign_in(tx, "WANG", PASSWORD, "10.0.0.1", NOW)
    someone = identity.actor_of_session(tx, token, NOW)
    assert (someone.applicant, someone.organisation_id, someone.official, someone.rights) == (
        True,
        None,
        False,
        frozenset(),
    )
    assert registering.of_person(tx, row.person_id) is row
    assert identity.organisation_by_uscc(tx, USCC) is None


def test_a_wrong_code_registers_nobody(tx):
    with pytest.raises(UsccCheckDigit):
        handed_in(tx, entry=Entry(**{**vars(MILL), "uscc": "91110000802100433C"}))
    assert identity.person_by_login(tx, "wang") is None


def test_a_taken_login_and_a_weak_password_register_nobody(tx):
    handed_in(tx)
    with pytest.raises(LoginTaken):
        handed_in(tx, newcomer("WANG"))
    with pytest.raises(WeakPassword):
        handed_in(tx, Newcomer("赵", "zhao", "short"))


def test_a_proof_is_needed_and_belongs_to_one_registration(tx):
    with pytest.raises(ProofMissing), tx.begin_nested():
        registering.hand_in(tx, newcomer(), MILL, "nobody-has-it", "once", NOW)
    key = a_proof(tx)
    row = registering.hand_in(tx, newcomer(), MILL, key, "once", NOW)
    assert registering.proof_of(tx, row.id).key == key
    assert registering.loose_proof(tx, key) is None
    with pytest.raises(ProofMissing):
        registering.hand_in(tx, newcomer("zhao"), MILL, key, "once more", NOW)


def test_a_proof_that_came_with_no_registration_is_forgotten_after_a_day(tx):
    loose = a_proof(tx)
    handed_in(tx)
    identity.sweep(tx, NOW + PROOF_FORGOTTEN - timedelta(seconds=1))
    assert registering.loose_proof(tx, loose)
    identity.sweep(tx, NOW + PROOF_FORGOTTEN)
    assert registering.loose_proof(tx, loose) is None
    assert tx.scalar(select(func.count()).select_from(Proof)) == 1


def test_an_organisation_with_people_is_joined_knowingly(tx):
    a_manager(tx)
    with pytest.raises(PeopledAlready) as refused, tx.begin_nested():
        handed_in(tx, newcomer("zhao"))
    assert refused.value.text().startswith(
        f"重庆某水泥有限公司（{USCC}）已在本门户注册并有人员。请向本单位的管理人员索取邀请码"
    )
    row = handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "joins": True, "rights": ("file",)}))
    assert (row.joins, row.rights) == (True, ["file"])


def test_a_page_handed_in_twice_is_one_registration(tx):
    row = registering.hand_in(tx, newcomer(), MILL, a_proof(tx), "the page", NOW)
    assert registering.of_once(tx, "the page") is row
    assert registering.of_once(tx, "") is None
    with pytest.raises(IntegrityError, match="once"), tx.begin_nested():
        registering.hand_in(tx, newcomer("zhao"), MILL, a_proof(tx), "the page", NOW)


def test_one_person_has_one_registration_at_a_time(tx):
    row = handed_in(tx)
    with pytest.raises(RegistrationWaits, match=row.number):
        handed_in(tx, actor(tx, row.person_id))


def test_an_officials_account_registers_no_organisation(tx):
    with pytest.raises(OfficialsDoNotJoin):
        handed_in(tx, an_official(tx))


def test_the_form_is_slowed_down_by_address(tx):
    for _ in range(30):
        assert not throttle.too_many(tx, REGISTER, "10.0.0.1", NOW)
        throttle.note(tx, REGISTER, "10.0.0.1", NOW)
    assert throttle.too_many(tx, REGISTER, "10.0.0.1", NOW)
    assert not throttle.too_many(tx, REGISTER, "10.0.0.2", NOW)
    assert not throttle.too_many(tx, JOIN, "10.0.0.1", NOW)
    assert not throttle.too_many(tx, REGISTER, "10.0.0.1", NOW + timedelta(hours=1))
    throttle.sweep(tx, NOW + timedelta(hours=1))
    assert not throttle.too_many(tx, REGISTER, "10.0.0.1", NOW)


# Deciding


def test_the_first_person_gets_every_right_and_electronic_service_as_he_agreed(tx):
    li, row = an_official(tx), handed_in(tx)
    unit = approved(tx, row, li, rights=(), at=LATER)
    assert (unit.uscc, unit.name, unit.district, unit.kinds) == (USCC, "重庆某水泥有限公司", "万州区", ["enterprise"])
    assert unit.electronic_service_since == LATER
    wang = actor(tx, row.person_id)
    assert (wang.organisation_id, wang.rights, wang.may_file, wang.may_manage) == (
        unit.id,
        {"manage", "file"},
        True,
        True,
    )
    assert (row.state, row.decided_by_id, row.organisation_id) == ("approved", li.person_id, unit.id)
    assert kinds_of(tx, unit.id) == [
        "organisation.added",
        "registration.approved",
        "person.joined",
        "agreement.given",
    ]


def test_whoever_did_not_agree_is_served_by_post(tx):
    row = handed_in(tx, entry=Entry(**{**vars(MILL), "electronic_service": False}))
    assert not approved(tx, row, an_official(tx)).electronic_service


def test_a_unit_added_by_an_official_gets_its_people_by_registration(tx):
    li = an_official(tx)
    unit = registering.add_unit(tx, li, MILL, NOW)
    assert (registering.situation(tx, USCC).stands, unit.electronic_service) == (EMPTY, False)
    row = handed_in(tx, entry=Entry(**{**vars(MILL), "name": "写错的名称"}))
    assert approved(tx, row, li, EMPTY, ()) is unit
    assert (unit.name, unit.electronic_service) == ("重庆某水泥有限公司", True)
    assert actor(tx, row.person_id).rights == {"manage", "file"}
    with pytest.raises(UsccTaken):
        registering.add_unit(tx, li, MILL, NOW)


def test_a_further_person_gets_the_rights_the_official_decides(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    row = handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "joins": True, "rights": ("manage", "file")}))
    approved(tx, row, li, PEOPLED, ())
    zhao = actor(tx, row.person_id)
    assert (zhao.organisation_id, zhao.rights, zhao.may_file) == (wang.organisation_id, {"read"}, False)


def test_joining_changes_nothing_of_the_agreement(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    membership.end_agreement(tx, wang, NOW)
    row = handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "joins": True}))
    assert not approved(tx, row, li, PEOPLED).electronic_service


def test_returned_it_is_handed_in_again_with_the_old_proof_or_a_new_one(tx):
    li, row = an_official(tx), handed_in(tx)
    first = registering.proof_of(tx, row.id)
    registering.send_back(tx, li, row.id, 1, "名称与执照不一致", LATER)
    assert (row.state, row.reason) == ("returned", "名称与执照不一致")
    wang = actor(tx, row.person_id)
    mended = Entry(**{**vars(MILL), "name": "重庆某某水泥有限公司"})
    registering.hand_in_again(tx, wang, row.id, mended, "", LATER)
    assert (row.state, row.round, row.name, row.reason) == ("waiting", 2, "重庆某某水泥有限公司", None)
    assert registering.proof_of(tx, row.id) is first
    registering.send_back(tx, li, row.id, 2, "证明看不清", LATER)
    registering.hand_in_again(tx, wang, row.id, mended, a_proof(tx), LATER)
    assert tx.scalar(select(func.count()).where(Proof.registration_id == row.id)) == 2
    assert registering.proof_of(tx, row.id) is not first
    rounds = [
        (change.kind, change.details.get("round")) for change in changes.of_registration(tx, row.number, wang.person_id)
    ]
    assert rounds == [
        ("registration.handed_in", 1),
        ("registration.returned", 1),
        ("registration.handed_in", 2),
        ("registration.returned", 2),
        ("registration.handed_in", 3),
    ]


def test_only_its_own_person_hands_a_returned_one_in_again_and_only_then(tx):
    li, row = an_official(tx), handed_in(tx)
    zhao = actor(tx, handed_in(tx, newcomer("zhao")).person_id)
    with pytest.raises(UnknownRegistration):
        registering.hand_in_again(tx, zhao, row.id, MILL, "", NOW)
    with pytest.raises(RegistrationWaits):
        registering.hand_in_again(tx, actor(tx, row.person_id), row.id, MILL, "", NOW)
    with pytest.raises(UnknownRegistration):
        approved(tx, Registration(id=10**9, round=1), li)


def test_an_official_decides_on_what_he_has_seen(tx):
    li, row = an_official(tx), handed_in(tx)
    registering.send_back(tx, li, row.id, 1, "名称与执照不一致", LATER)
    with pytest.raises(AlreadyDecided) as refused:
        registering.refuse(tx, li, row.id, 1, "否", LATER)
    assert refused.value.text() == "这份注册申请已由李强于 09-24 11:00 退回，您的决定没有提交。"
    registering.hand_in_again(tx, actor(tx, row.person_id), row.id, MILL, "", LATER)
    with pytest.raises(HandedInAnew):
        registering.approve(tx, li, row.id, 1, NEW, (), LATER)
    registering.add_unit(tx, li, MILL, LATER)
    with pytest.raises(SituationChanged) as refused:
        registering.approve(tx, li, row.id, 2, NEW, (), LATER)
    assert (
        refused.value.text()
        == "该单位的登记情况在您打开本页之后有变化（已登记，没有人员），决定没有提交。请核对后再决定。"
    )


def test_a_refused_registration_may_be_followed_by_another(tx):
    li, row = an_official(tx), handed_in(tx)
    registering.refuse(tx, li, row.id, 1, "没有授权", LATER)
    again = handed_in(tx, actor(tx, row.person_id))
    assert again.id != row.id
    assert approved(tx, again, li).uscc == USCC


def test_no_applicant_decides_on_any_registration(tx):
    row, other = handed_in(tx), handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "uscc": OTHER}))
    for someone in (row.person_id, other.person_id):
        with pytest.raises(NotYourOwn):
            approved(tx, row, actor(tx, someone))


def test_the_waiting_are_listed_longest_first_and_the_decided_newest_first(tx, monkeypatch):
    monkeypatch.setattr(registering, "AT_A_TIME", 2)
    li = an_official(tx)
    rows = [handed_in(tx, newcomer(f"p{n}"), at=NOW + timedelta(minutes=n % 2)) for n in range(4)]
    longest = [rows[0], rows[2], rows[1], rows[3]]
    assert registering.waiting(tx) == longest[:3]
    assert registering.waiting(tx, longest[1].id) == longest[2:]
    for row in rows[:3]:
        registering.refuse(tx, li, row.id, 1, "否", LATER)
    assert registering.decided(tx) == [rows[2], rows[1], rows[0]]
    assert registering.decided(tx, rows[2].id) == [rows[1], rows[0]]
    assert registering.waiting(tx) == [rows[3]]


# People of one organisation


def test_a_code_lets_one_person_in_with_its_rights(tx):
    wang = a_manager(tx)
    invitation, code = membership.invite(tx, wang, ["file"], "财务部张三", NOW)
    assert code.encode() not in invitation.code
    assert [(row.note, by) for row, by in membership.open_invitations(tx, wang.organisation_id, NOW)] == [
        ("财务部张三", "王磊")
    ]
    zhang = membership.join(tx, newcomer("zhang", "张三"), code.lower().replace("-", " "), LATER)
    assert (zhang.organisation_id, zhang.rights, zhang.applicant) == (wang.organisation_id, ["file"], True)
    assert membership.open_invitations(tx, wang.organisation_id, NOW) == []
    with pytest.raises(InvitationUsed):
        membership.join(tx, newcomer("zhao"), code, LATER)
    with pytest.raises(NoSuchInvitation):
        membership.revoke(tx, wang, invitation.id, LATER)
    assert identity.person_by_login(tx, "zhao") is None


def test_an_expired_a_revoked_and_an_unknown_code_let_nobody_in(tx):
    wang = a_manager(tx)
    (expiring, old), (taken_back, revoked) = (membership.invite(tx, wang, ["file"], "某人", NOW) for _ in range(2))
    membership.revoke(tx, wang, taken_back.id, LATER)
    with pytest.raises(InvitationRevoked):
        membership.join(tx, newcomer("zhao"), revoked, LATER)
    with pytest.raises(InvitationExpired) as refused:
        membership.join(tx, newcomer("zhao"), old, NOW + timedelta(days=7))
    assert refused.value.text() == "这个邀请码已于 2026-10-01 10:00 过期。请本单位的管理人员重新邀请。"
    with pytest.raises(NoSuchInvitation):
        membership.revoke(tx, wang, expiring.id, NOW + timedelta(days=7))
    for unknown in ("", "AAAAA-AAAAA-AAAAA-AAAAA", "\0"):
        with pytest.raises(InvitationUnknown):
            membership.join(tx, newcomer("zhao"), unknown, LATER)


def test_a_code_is_not_spent_on_a_login_that_is_taken(tx):
    wang = a_manager(tx)
    _, code = membership.invite(tx, wang, ["file"], "某人", NOW)
    with pytest.raises(LoginTaken), tx.begin_nested():
        membership.join(tx, newcomer("wang"), code, NOW)
    tx.expire_all()
    assert membership.join(tx, newcomer("zhang"), code, NOW).login == "zhang"


def test_by_a_code_an_open_registration_is_withdrawn(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    row = handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "joins": True}))
    _, code = membership.invite(tx, wang, [], "赵", NOW)
    joined = membership.join(tx, actor(tx, row.person_id), code, LATER)
    assert (joined.id, joined.rights, row.state) == (row.person_id, ["read"], "withdrawn")
    with pytest.raises(AlreadyDecided) as refused:
        approved(tx, row, li, PEOPLED)
    assert "撤回（已凭邀请码加入单位）" in refused.value.text()
    with pytest.raises(AlreadyInOrganisation):
        membership.join(tx, actor(tx, joined.id), membership.invite(tx, wang, [], "赵", NOW)[1], LATER)


def test_an_official_joins_no_organisation(tx):
    li = an_official(tx)
    _, code = membership.invite(tx, a_manager(tx, li), ["file"], "某人", NOW)
    with pytest.raises(OfficialsDoNotJoin):
        membership.join(tx, li, code, NOW)


def test_managers_change_rights_and_remove_people(tx):
    wang = a_manager(tx)
    zhang = a_member(tx, wang, "zhang")
    membership.change_rights(tx, wang, zhang.person_id, [], LATER)
    assert actor(tx, zhang.person_id).rights == {"read"}
    token = identity.sign_in(tx, "zhang", PASSWORD, "10.0.0.1", NOW)
    membership.remove(tx, wang, zhang.person_id, LATER, NOW)
    assert identity.actor_of_session(tx, token, NOW) is None
    gone = actor(tx, zhang.person_id)
    assert (gone.organisation_id, gone.rights, gone.official, gone.adrift) == (None, frozenset(), False, True)
    with pytest.raises(NotOfYourOrganisation):
        membership.remove(tx, wang, zhang.person_id, LATER, NOW)
    with pytest.raises(OtherWay):
        membership.remove(tx, wang, wang.person_id, LATER, NOW)
    assert kinds_of(tx, wang.organisation_id)[-4:] == [
        "invitation.made",
        "person.joined",
        "rights.changed",
        "person.removed",
    ]


def test_whoever_no_longer_manages_lets_nobody_in_by_his_old_invitations(tx):
    wang = a_manager(tx)
    own = {}
    for login in ("zhang", "ma", "hu"):
        manager = a_member(tx, wang, login, ["manage"])
        _, own[login] = membership.invite(tx, manager, ["manage"], f"{login}的人", NOW)
    zhang, ma, hu = (identity.person_by_login(tx, login).id for login in own)
    _, of_wang = membership.invite(tx, wang, ["file"], "王的人", NOW)
    membership.remove(tx, wang, zhang, LATER, NOW)
    membership.change_rights(tx, wang, ma, ["file"], LATER)
    membership.leave(tx, actor(tx, hu), LATER, NOW)
    with pytest.raises(InvitationRevoked):
        membership.join(tx, actor(tx, zhang), own["zhang"], LATER)
    for login in ("ma", "hu"):
        with pytest.raises(InvitationRevoked):
            membership.join(tx, newcomer("new", "新人"), own[login], LATER)
    assert actor(tx, zhang).adrift
    lines = [one for one in changes.of_organisation(tx, wang.organisation_id) if one.kind == "invitation.revoked"]
    assert [(line.who, line.details["note"]) for line in reversed(lines)] == [
        ("王磊", "zhang的人"), ("王磊", "ma的人"), ("hu", "hu的人"),
    ]  # fmt: skip
    assert membership.join(tx, newcomer("new", "新人"), of_wang, LATER).organisation_id == wang.organisation_id


def test_whoever_goes_on_managing_keeps_his_invitations(tx):
    wang = a_manager(tx)
    zhang = a_member(tx, wang, "zhang", ["manage"])
    _, code = membership.invite(tx, zhang, ["file"], "新人", NOW)
    membership.change_rights(tx, wang, zhang.person_id, ["file", "manage"], LATER)
    assert membership.join(tx, newcomer("new", "新人"), code, LATER).organisation_id == wang.organisation_id


def test_rights_that_stay_the_same_are_no_change(tx):
    wang = a_manager(tx)
    before = kinds_of(tx, wang.organisation_id)
    membership.change_rights(tx, wang, wang.person_id, ["file", "manage"], LATER)
    assert kinds_of(tx, wang.organisation_id) == before


def test_people_of_another_organisation_are_out_of_reach(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    row = handed_in(tx, newcomer("zhao"), Entry(**{**vars(MILL), "uscc": OTHER}))
    approved(tx, row, li)
    zhao = actor(tx, row.person_id)
    _, code = membership.invite(tx, zhao, ["file"], "某人", NOW)
    theirs = tx.scalars(select(Invitation).where(Invitation.organisation_id == zhao.organisation_id)).one()
    for verb in (
        lambda: membership.change_rights(tx, wang, zhao.person_id, ["file"], NOW),
        lambda: membership.remove(tx, wang, zhao.person_id, NOW, NOW),
    ):
        with pytest.raises(NotOfYourOrganisation):
            verb()
    with pytest.raises(NoSuchInvitation):
        membership.revoke(tx, wang, theirs.id, NOW)
    assert membership.join(tx, newcomer("qian"), code, NOW).organisation_id == zhao.organisation_id


def test_only_managers_manage_as_things_are_now(tx):
    wang = a_manager(tx)
    zhang = a_member(tx, wang, "zhang", ["manage"])
    clerk = a_member(tx, wang, "qian", ["file"])
    membership.change_rights(tx, wang, zhang.person_id, ["file"], NOW)
    for someone in (zhang, clerk):  # zhang's actor still says that he manages
        for verb in (
            lambda who=someone: membership.invite(tx, who, ["file"], "某人", NOW),
            lambda who=someone: membership.revoke(tx, who, 1, NOW),
            lambda who=someone: membership.change_rights(tx, who, who.person_id, ["manage"], NOW),
            lambda who=someone: membership.remove(tx, who, wang.person_id, NOW, NOW),
            lambda who=someone: membership.agree(tx, who, NOW),
            lambda who=someone: membership.end_agreement(tx, who, NOW),
        ):
            with pytest.raises(MayNotManage):
                verb()


def test_the_last_manager_stays_while_others_remain(tx):
    wang = a_manager(tx)
    zhang = a_member(tx, wang, "zhang")
    with pytest.raises(LastManager):
        membership.leave(tx, wang, NOW, NOW)
    with pytest.raises(LastManager):
        membership.change_rights(tx, wang, wang.person_id, ["file"], NOW)
    membership.change_rights(tx, wang, zhang.person_id, ["manage"], NOW)
    membership.leave(tx, wang, NOW, NOW)
    assert actor(tx, wang.person_id).adrift


def test_whoever_leaves_keeps_his_account_and_joins_elsewhere_by_a_code(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    zhang = a_member(tx, wang, "zhang")
    token = identity.sign_in(tx, "zhang", PASSWORD, "10.0.0.1", NOW)
    membership.leave(tx, zhang, NOW, NOW)
    assert identity.actor_of_session(tx, token, NOW) is None
    with pytest.raises(NotOfYourOrganisation):
        membership.leave(tx, actor(tx, zhang.person_id), NOW, NOW)
    back = identity.actor_of_session(tx, identity.sign_in(tx, "zhang", PASSWORD, "10.0.0.1", NOW), NOW)
    _, code = membership.invite(tx, wang, ["file"], "张", NOW)
    assert membership.join(tx, back, code, NOW).organisation_id == wang.organisation_id
    assert tx.scalar(select(func.count()).select_from(SignedIn).where(SignedIn.revoked.is_not(None))) == 1


def test_with_the_last_person_invitations_and_electronic_service_end(tx):
    li = an_official(tx)
    wang = a_manager(tx, li)
    unit = tx.get(Organisation, wang.organisation_id)
    _, code = membership.invite(tx, wang, ["manage"], "某人", NOW)
    assert membership.is_last(tx, wang)
    membership.leave(tx, wang, LATER, NOW)
    tx.expire_all()
    assert not unit.electronic_service
    with pytest.raises(InvitationRevoked):
        membership.join(tx, newcomer("zhao"), code, LATER)
    assert registering.situation(tx, USCC).stands == EMPTY
    last = changes.of_organisation(tx, unit.id)[0]
    assert (last.kind, last.who, last.details) == ("agreement.ended", "", {"people": 0})
    # The way back is a new registration.
    row = handed_in(tx, actor(tx, wang.person_id))
    approved(tx, row, li, EMPTY)
    assert unit.electronic_service


def test_agreeing_and_ending_are_kept_with_who_and_when(tx):
    wang = a_manager(tx)
    assert membership.agree(tx, wang, LATER).electronic_service_since == NOW
    membership.end_agreement(tx, wang, LATER)
    assert not membership.end_agreement(tx, wang, LATER).electronic_service
    assert membership.agree(tx, wang, LATER + timedelta(days=1)).electronic_service_since == LATER + timedelta(days=1)
    lines = [
        (change.kind, change.who, change.at)
        for change in reversed(changes.of_organisation(tx, wang.organisation_id))
        if change.kind.startswith("agreement.")
    ]
    assert lines == [
        ("agreement.given", "王磊", NOW),
        ("agreement.ended", "王磊", LATER),
        ("agreement.given", "王磊", LATER + timedelta(days=1)),
    ]


@pytest.mark.parametrize("statement", ["UPDATE identity_changes SET kind = 'x'", "DELETE FROM identity_changes"])
def test_the_history_only_grows(tx, statement):
    a_manager(tx)
    with pytest.raises(DBAPIError, match="append-only"):
        tx.execute(text(statement))


def test_the_history_comes_page_by_page(tx, monkeypatch):
    wang = a_manager(tx)
    monkeypatch.setattr(changes, "AT_A_TIME", 3)
    first = changes.of_organisation(tx, wang.organisation_id)
    rest = changes.of_organisation(tx, wang.organisation_id, first[2].id)
    assert (len(first), [change.kind for change in rest]) == (4, ["organisation.added"])
    assert first[0].by_official is False
    assert rest[0].by_official is True


# What the tables themselves refuse


def test_no_row_can_be_on_both_sides(tx):
    unit = identity.add_organisation(tx, uscc=USCC, name="某", district="万州区", kinds=["enterprise"])
    for wrong, constraint in [
        ({"organisation_id": unit.id, "applicant": False, "rights": ["file"]}, "organisation_of_applicant"),
        ({"applicant": True, "administrator": True, "rights": []}, "one_side"),
        ({"organisation_id": unit.id, "applicant": True, "rights": []}, "rights_in_organisation"),
        ({"applicant": True, "rights": ["file"]}, "rights_in_organisation"),
    ]:
        savepoint = tx.begin_nested()
        tx.add(Person(login="x", name="x", password_hash="x", **wrong))
        with pytest.raises(IntegrityError, match=constraint):
            tx.flush()
        savepoint.rollback()


def test_unless_it_is_said_otherwise_people_of_an_organisation_may_do_everything_there(tx):
    unit = identity.add_organisation(tx, uscc=USCC, name="某", district="万州区", kinds=["enterprise"])
    someone = identity.add_person(tx, login="wang", name="王", password=PASSWORD, organisation_id=unit.id)
    plain = Person(login="li", name="李", password_hash="x", organisation_id=unit.id)
    official = Person(login="he", name="何", password_hash="x")
    tx.add_all([plain, official])
    tx.flush()
    assert (someone.applicant, someone.rights) == (plain.applicant, plain.rights) == (True, ["manage", "file"])
    assert (official.applicant, official.rights) == (False, [])


# Races


def at_once(database, *acts):
    """Runs acts at the same time, each in a transaction of its own; their results or refusals."""
    barrier = Barrier(len(acts))

    def run(act):
        def once(tx):
            tx.execute(text("SELECT 1"))
            return act(tx)

        barrier.wait(10)
        try:
            return database.attempt(once)
        except PortalError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def refusals(results):
    return [type(result) for result in results if isinstance(result, PortalError)]


def until_one_waits(database):
    """Returns when a transaction waits for another one's lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _attempt in range(500):
        with database.transaction() as tx:
            if tx.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_whoever_joins_while_he_hands_in_a_registration_leaves_none_on_the_desk(own_database):
    with own_database.transaction() as tx:
        li = an_official(tx)
        wang = a_manager(tx, li)
        _, code = membership.invite(tx, wang, ["file"], "赵", NOW)
        zhao = identity.add_person(tx, login="zhao", name="赵", password=PASSWORD, applicant=True).id
    with ThreadPoolExecutor(1) as pool:
        with own_database.transaction() as tx:
            row = handed_in(tx, actor(tx, zhao), Entry(**{**vars(MILL), "uscc": OTHER}))
            joining = pool.submit(
                own_database.attempt, lambda tx: membership.join(tx, actor(tx, zhao), code, LATER).organisation_id
            )
            until_one_waits(own_database)
        assert joining.result(30) == wang.organisation_id
    with own_database.transaction() as tx:
        assert registering.registration(tx, row.id).state == "withdrawn"
        assert registering.waiting(tx) == []
        kinds = [change.kind for change in changes.of_registration(tx, row.number, zhao)]
        assert kinds == ["registration.handed_in", "registration.withdrawn"]
        with pytest.raises(AlreadyDecided) as refused:
            approved(tx, registering.registration(tx, row.id), li)
        assert "撤回（已凭邀请码加入单位）" in refused.value.text()


def test_whoever_hands_in_a_registration_while_he_joins_is_told_that_he_has_joined(own_database):
    with own_database.transaction() as tx:
        wang = a_manager(tx)
        _, code = membership.invite(tx, wang, ["file"], "赵", NOW)
        zhao = identity.add_person(tx, login="zhao", name="赵", password=PASSWORD, applicant=True).id
    with ThreadPoolExecutor(1) as pool:
        with own_database.transaction() as tx:
            membership.join(tx, actor(tx, zhao), code, NOW)
            tx.flush()
            handing = pool.submit(
                own_database.attempt,
                lambda tx: handed_in(tx, actor(tx, zhao), Entry(**{**vars(MILL), "uscc": OTHER})),
            )
            until_one_waits(own_database)
        with pytest.raises(AlreadyInOrganisation):
            handing.result(30)
    with own_database.transaction() as tx:
        assert registering.waiting(tx) == []


def test_two_use_one_invitation_at_once(own_database):
    with own_database.transaction() as tx:
        wang = a_manager(tx)
        _, code = membership.invite(tx, wang, ["file"], "某人", NOW)
    results = at_once(
        own_database, *(lambda tx, n=n: membership.join(tx, newcomer(f"p{n}"), code, NOW) for n in range(4))
    )
    assert refusals(results) == [InvitationUsed] * 3
    with own_database.transaction() as tx:
        assert len(membership.people_of(tx, wang.organisation_id)) == 2
        assert kinds_of(tx, wang.organisation_id).count("person.joined") == 2


def test_two_officials_decide_at_once(own_database):
    with own_database.transaction() as tx:
        row, officials = handed_in(tx), [an_official(tx, f"o{n}", f"官{n}") for n in range(3)]
    results = at_once(
        own_database,
        lambda tx: registering.approve(tx, officials[0], row.id, 1, NEW, (), NOW),
        lambda tx: registering.approve(tx, officials[1], row.id, 1, NEW, (), NOW),
        lambda tx: registering.refuse(tx, officials[2], row.id, 1, "否", NOW),
    )
    assert refusals(results) == [AlreadyDecided] * 2
    with own_database.transaction() as tx:
        decided = [
            c for c in changes.of_registration(tx, row.number, row.person_id) if c.kind != "registration.handed_in"
        ]
        assert len(decided) == 1


def test_two_registrations_of_one_organisation_are_approved_at_once(own_database):
    with own_database.transaction() as tx:
        rows = [handed_in(tx, newcomer(f"p{n}")) for n in range(2)]
        officials = [an_official(tx, f"o{n}") for n in range(2)]
    results = at_once(
        own_database,
        *(lambda tx, n=n: registering.approve(tx, officials[n], rows[n].id, 1, NEW, (), NOW) for n in range(2)),
    )
    assert refusals(results) == [SituationChanged]
    with own_database.transaction() as tx:
        unit = identity.organisation_by_uscc(tx, USCC)
        assert len(membership.people_of(tx, unit.id)) == 1


def test_the_last_two_managers_leave_at_once(own_database):
    with own_database.transaction() as tx:
        wang = a_manager(tx)
        zhang = a_member(tx, wang, "zhang", ["manage"])
        a_member(tx, wang, "qian")
    results = at_once(own_database, *(lambda tx, who=who: membership.leave(tx, who, NOW, NOW) for who in (wang, zhang)))
    assert refusals(results) == [LastManager]


def test_two_managers_remove_each_other_at_once(own_database):
    with own_database.transaction() as tx:
        wang = a_manager(tx)
        zhang = a_member(tx, wang, "zhang", ["manage"])
    results = at_once(
        own_database,
        lambda tx: membership.remove(tx, wang, zhang.person_id, NOW, NOW),
        lambda tx: membership.remove(tx, zhang, wang.person_id, NOW, NOW),
    )
    assert refusals(results) == [MayNotManage]


def test_somebody_joins_while_the_last_person_leaves(own_database):
    with own_database.transaction() as tx:
        wang = a_manager(tx)
        _, code = membership.invite(tx, wang, ["file"], "某人", NOW)
    results = at_once(
        own_database,
        lambda tx: membership.leave(tx, wang, NOW, NOW),
        lambda tx: membership.join(tx, newcomer("zhang"), code, NOW),
    )
    # Either he came first, and a manager must stay with him, or nobody is there to join any more.
    assert refusals(results) in ([LastManager], [InvitationRevoked])


def test_one_login_is_registered_twice_at_once(own_database):
    with own_database.transaction() as tx:
        keys = [a_proof(tx) for _ in range(2)]
    results = at_once(
        own_database,
        *(lambda tx, n=n: registering.hand_in(tx, newcomer(), MILL, keys[n], f"page-{n}", NOW) for n in range(2)),
    )
    assert refusals(results) == [LoginTaken]


def test_a_code_is_written_nowhere(tx):
    wang = a_manager(tx)
    invitation, code = membership.invite(tx, wang, ["file"], "某人", NOW)
    kept = [str(change.details) for change in changes.of_organisation(tx, wang.organisation_id)]
    assert invitation.code not in (rules.digest(code), code.encode())
    assert code not in "".join(kept)
