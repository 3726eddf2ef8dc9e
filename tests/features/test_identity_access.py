"""Who may do what: the whole table, for everyone there is."""

import pytest

from portal.identity import PARTY, Actor, Forbidden, Permission, Subject, allows, require
from portal.identity.access import ACCESS

ETS, EVT = "chongqing-ets", "chongqing-events"
MILL, PLANT = 21, 22

ACTORS = {
    "party": Actor(1, "王", MILL, kinds=frozenset({"enterprise"})),
    "other party": Actor(2, "赵", PLANT, kinds=frozenset({"enterprise"})),
    "association": Actor(3, "钱", 23, kinds=frozenset({"association"})),
    "handler": Actor(4, "孙", roles=frozenset({(ETS, "handler")})),
    "leader": Actor(5, "李", roles=frozenset({(ETS, "leader"), (EVT, "handler")})),
    "other official": Actor(6, "周", roles=frozenset({(EVT, "handler")})),
    "verifier": Actor(7, "吴", 24, frozenset({(ETS, "verifier")})),
    "district": Actor(10, "沈", local=frozenset({(ETS, "district", "万州区")})),
    "administrator": Actor(8, "郑", administrator=True),
    "manager": Actor(9, "冯", MILL, kinds=frozenset({"enterprise"}), applicant=True, rights=frozenset({"manage"})),
    # Waits to be let in, or has left: whatever was granted to him before, he is no official.
    "adrift": Actor(11, "陈", applicant=True, roles=frozenset({(ETS, "handler"), (ETS, "verifier")})),
}
EVERYONE = set(ACTORS)

CASE = Subject(regulation=ETS, party_id=MILL)
HANDLING = Subject(regulation=ETS, party_id=MILL, roles=frozenset({"handler"}))
CORRECTING = Subject(regulation=ETS, party_id=MILL, roles=frozenset({PARTY}))
OFFICE = Subject(offices=frozenset({(ETS, "handler"), (ETS, "verifier")}))
VERIFYING = Subject(regulation=ETS, party_id=MILL, roles=frozenset({"verifier"}))

TABLE = [
    (Permission.ACCOUNT_READ, CASE, {"party", "manager", "handler", "leader"}),
    (Permission.ATTACHMENT_READ, CASE, {"party", "manager", "handler", "leader"}),
    (Permission.ATTACHMENT_READ, Subject(regulation=ETS), {"handler", "leader"}),
    (Permission.ATTACHMENT_READ, Subject(uploader_id=2), {"other party"}),
    (Permission.CALENDAR_ENTER, Subject(), {"administrator"}),
    (
        Permission.CASE_FILE,
        Subject(regulation=ETS, kinds=frozenset({"enterprise"})),
        {"party", "manager", "other party"},
    ),
    (Permission.CASE_FILE, Subject(regulation=ETS, roles=frozenset({"handler"})), {"handler"}),
    (Permission.CASE_FILE, CORRECTING, {"party", "manager"}),
    (Permission.CASE_FILE, Subject(regulation=ETS), set()),
    (Permission.CASE_READ, CASE, {"party", "manager", "handler", "leader"}),
    (Permission.CASE_READ, Subject(regulation=ETS, party_id=None), {"handler", "leader"}),
    (Permission.CLOCK_MOVE, Subject(demo=True), EVERYONE),
    (Permission.CLOCK_MOVE, Subject(), set()),
    (Permission.COPY_READ, Subject(regulation=ETS, roles=frozenset({"district"}), region="万州区"), {"district"}),
    (Permission.COPY_READ, Subject(regulation=ETS, roles=frozenset({"district"}), region="涪陵区"), set()),
    (Permission.COPY_READ, Subject(regulation=EVT, roles=frozenset({"district"}), region="万州区"), set()),
    (Permission.COPY_READ, Subject(regulation=ETS, roles=frozenset({"handler"})), {"handler"}),
    (Permission.COPY_READ, Subject(regulation=ETS, roles=frozenset({"district"})), set()),
    (Permission.DELEGATION_END, Subject(person_id=5), {"leader", "administrator"}),
    (Permission.DELEGATION_END, Subject(person_id=1), {"administrator"}),
    (Permission.DELEGATION_MAKE, Subject(person_id=5), {"leader", "administrator"}),
    (Permission.DELEGATION_MAKE, Subject(person_id=11), {"administrator"}),
    (Permission.DELEGATION_READ, Subject(person_id=4), {"handler", "administrator"}),
    (Permission.DELEGATION_READ, Subject(), {"administrator"}),
    (Permission.LETTER_READ, CASE, {"party", "manager", "handler", "leader"}),
    (Permission.LETTER_SIGN_FOR, CASE, {"party", "manager"}),
    (Permission.MATTER_DECIDE, Subject(regulation=ETS, roles=frozenset({"leader"})), {"leader"}),
    (Permission.MATTER_DECIDE, Subject(regulation=ETS, roles=frozenset({"verifier", "district"})), set()),
    (Permission.MESSAGE_SEND, CORRECTING, {"party", "manager"}),
    (Permission.MESSAGE_SEND, HANDLING, {"handler"}),
    (Permission.MESSAGE_SEND, CASE, set()),
    (Permission.ORGANISATION_ADD, Subject(), {"administrator"}),
    (Permission.ORGANISATION_ADD, OFFICE, {"administrator", "handler"}),
    (Permission.PEOPLE_MANAGE, CASE, {"manager"}),
    (Permission.PEOPLE_MANAGE, Subject(party_id=PLANT), set()),
    (Permission.PEOPLE_READ, CASE, {"party", "manager"}),
    (Permission.REGULATION_RENEW, Subject(), {"administrator"}),
    (Permission.REGISTER_READ, Subject(regulation=ETS), {"handler", "leader"}),
    (Permission.REGISTER_READ, Subject(), set()),
    (Permission.REGISTRATION_DECIDE, Subject(), set()),
    (Permission.REGISTRATION_DECIDE, OFFICE, {"handler"}),
    (Permission.REGISTRATION_HAND_IN, Subject(person_id=11, offices=frozenset({(ETS, "handler")})), {"adrift"}),
    (Permission.REGISTRATION_HAND_IN, Subject(person_id=4), set()),
    (Permission.REGISTRATION_READ, Subject(person_id=11, offices=frozenset({(ETS, "handler")})), {"adrift", "handler"}),
    (Permission.PERSON_ADD, Subject(), {"administrator"}),
    (Permission.PERSON_MANAGE, Subject(), {"administrator"}),
    (Permission.PASSWORD_CHOOSE, Subject(), EVERYONE),
    (Permission.SYSTEM_READ, Subject(), {"administrator"}),
    (Permission.INCIDENT_HANDLE, Subject(), {"administrator"}),
    (Permission.JOB_RETRY, Subject(), {"administrator"}),
    (Permission.HISTORY_CHECK, Subject(), {"administrator"}),
    (Permission.ROLE_GRANT, Subject(), {"administrator"}),
    (Permission.SERVICE_ENTER, CASE, {"handler", "leader"}),
    (Permission.TASK_COMPLETE, HANDLING, {"handler"}),
    (Permission.TASK_COMPLETE, CORRECTING, {"party", "manager"}),
    (Permission.TASK_COMPLETE, VERIFYING, {"verifier"}),
    (Permission.TASK_COMPLETE, CASE, set()),
    (Permission.TASK_LIST, Subject(), EVERYONE),
    (Permission.TOKEN_ISSUE, Subject(person_id=1), {"party"}),
    (Permission.TOKEN_ISSUE, Subject(person_id=99, system=True), {"administrator"}),
    (Permission.TOKEN_REVOKE, Subject(person_id=4), {"handler", "administrator"}),
    (Permission.TOKEN_REVOKE, Subject(person_id=99, system=True), {"administrator"}),
]


@pytest.mark.parametrize(("permission", "subject", "allowed"), TABLE)
def test_the_table(permission, subject, allowed):
    assert {name for name, actor in ACTORS.items() if allows(actor, permission, subject)} == allowed


def test_every_permission_is_in_the_table_and_tested():
    assert set(ACCESS) == set(Permission)
    assert {permission for permission, _, _ in TABLE} == set(Permission)


@pytest.mark.parametrize("permission", Permission)
def test_nobody_is_allowed_anything_without_signing_in(permission):
    assert not allows(None, permission, Subject(regulation=ETS, party_id=None, demo=True))
    with pytest.raises(Forbidden, match=permission):
        require(None, permission)


@pytest.mark.parametrize("permission", Permission)
def test_permissions_are_called_noun_dot_verb(permission):
    noun, verb = permission.split(".")
    assert permission.name == f"{noun}_{verb}".upper()


@pytest.mark.parametrize("role", ["handler", PARTY])
def test_a_task_that_someone_has_claimed_is_his_alone(role):
    name = "party" if role == PARTY else role
    for assignee, allowed in [(None, True), (ACTORS[name].person_id, True), (99, False)]:
        task = Subject(regulation=ETS, party_id=MILL, roles=frozenset({role}), assignee_id=assignee)
        assert allows(ACTORS[name], Permission.TASK_COMPLETE, task) is allowed


def test_being_granted_the_role_party_makes_nobody_a_party():
    impostor = Actor(9, "冯", PLANT, frozenset({(ETS, PARTY)}))
    assert not allows(impostor, Permission.LETTER_SIGN_FOR, CASE)
    assert not allows(impostor, Permission.TASK_COMPLETE, CORRECTING)


def test_what_is_allowed_raises_nothing():
    require(ACTORS["party"], Permission.CASE_READ, CASE)
