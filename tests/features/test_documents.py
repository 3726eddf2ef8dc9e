"""Letters in the database: numbers without gaps, frozen data, and service that is proved."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.clock import TZ
from portal.documents import service as letters
from portal.documents.models import Letter, NumberSequence
from portal.documents.numbers import draw_number
from portal.documents.rules import DocumentRule, FileNotReady, ServedBeforeIssue, ServedInFuture
from portal.documents.service import Addressee

ISSUED = datetime(2026, 9, 24, 10, tzinfo=TZ)
READY = ISSUED + timedelta(minutes=1)
LATER = ISSUED + timedelta(days=2)
PATTERN = "渝环复〔{year}〕{seq}号"
RULE = DocumentRule("decision", "复核决定书", "decision.docx", PATTERN, ("party",), ("registry",), "11.2")
PARTY = Addressee("重庆某某钢铁有限公司", 5)
REGISTRY = Addressee("碳排放权注册登记机构")
CLERK = 9


@pytest.fixture
def tx(tx):
    """The session, where a letter may name a case and organisations that are not there."""
    tx.execute(text("ALTER TABLE letters DROP CONSTRAINT fk_letters_case_id_cases"))
    tx.execute(text("ALTER TABLE services DROP CONSTRAINT fk_services_organisation_id_organisations"))
    return tx


def issued(tx, *, case_id=41, moment=ISSUED, rule=RULE, party=PARTY, data=None):
    return letters.issue(
        tx,
        case_id=case_id,
        act_id=100,
        release_id=3,
        rule=rule,
        template="documents/chongqing-ets/_shared/review-decision.docx",
        element="issue_decision",
        scope="",
        visit=1,
        addressees={"party": party, "registry": REGISTRY},
        data=data if data is not None else {"party": {"name": party.name}},
        moment=moment,
        year=2026,
    )


def ready(tx, letter, moment=READY):
    letters.mark_ready(tx, letter, object_key="ab12", sha256="0" * 64, size=4711, moment=moment)
    return letter


def party_of(letter):
    return next(service for service in letter.services if service.kind == "party")


def test_an_issued_letter_has_number_frozen_data_and_waits_for_its_file(tx):
    data = {"party": {"name": PARTY.name}, "documents": {"notice": {"number": "渝环配〔2026〕1号"}}}
    letter = issued(tx, data=data)
    data["party"]["name"] = "后来改的"
    tx.expire_all()
    letter = letters.letter(tx, letter.id)
    assert letter.number == "渝环复〔2026〕1号"
    assert letter.state == "rendering"
    assert letter.data["party"] == {"name": PARTY.name}
    assert letter.data["documents"] == {
        "notice": {"number": "渝环配〔2026〕1号"},
        "decision": {"number": letter.number, "title": "复核决定书", "issued_at": ISSUED.isoformat()},
    }
    assert letter.data["copies"] == [{"name": REGISTRY.name}]
    assert letter.data["verification"]["code"].replace("-", "") == letter.verification_code
    assert [(s.kind, s.addressee, s.name, s.organisation_id, s.state) for s in letter.services] == [
        ("party", "party", PARTY.name, 5, "awaiting file"),
        ("copy", "registry", REGISTRY.name, None, "copy"),
    ]


def test_what_issue_adds_is_what_own_paths_tells(tx):
    letter = issued(tx)
    for path in letters.own_paths("decision") - {"copies.name", "verification.url"}:
        value = letter.data
        for name in path.split("."):
            value = value[name]


def test_an_addressee_nobody_named_is_refused(tx):
    rule = DocumentRule("notice", "通知书", "notice.docx", PATTERN, ("party", "district(party.district)"))
    with pytest.raises(letters.UnknownAddressee) as refused:
        issued(tx, rule=rule)
    assert "district" in refused.value.text("zh")


def test_letters_of_a_case_come_in_the_order_of_issue(tx):
    second = issued(tx, moment=LATER)
    first = issued(tx)
    issued(tx, case_id=42)
    assert letters.letters_of(tx, 41) == [first, second]


def test_a_letter_is_found_by_the_code_typed_from_paper(tx):
    letter = issued(tx)
    typed = letters.spoken(letter.verification_code)
    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}", typed)
    assert letters.by_verification_code(tx, f" {typed.lower()} ") is letter
    assert letters.by_verification_code(tx, "2222-2222-2222-2222") is None
    assert letters.by_verification_code(tx, "") is None


def test_what_is_not_there_is_told(tx):
    with pytest.raises(letters.UnknownLetter):
        letters.letter(tx, 987654)
    with pytest.raises(letters.UnknownService):
        letters.service_record(tx, 987654)


def test_the_file_opens_the_letter_to_its_addressee(tx):
    letter = ready(tx, issued(tx))
    assert (letter.state, letter.sha256, letter.size, letter.rendered_at) == ("ready", "0" * 64, 4711, READY)
    assert [service.state for service in letter.services] == ["open", "copy"]
    with pytest.raises(letters.AlreadyRendered):
        ready(tx, letter)
    with pytest.raises(letters.AlreadyRendered):
        letters.mark_failed(tx, letter, "too late")


def test_a_failed_rendering_is_tried_again_with_a_newer_template(tx):
    letter = issued(tx)
    with pytest.raises(letters.NothingFailed):
        letters.retry(tx, letter, release_id=4, template="new.docx")
    letters.mark_failed(tx, letter, "文书中的“review.amount”没有内容。")
    assert party_of(letter).state == "awaiting file"
    letters.retry(tx, letter, release_id=4, template="new.docx")
    assert (letter.state, letter.error, letter.release_id, letter.template) == (
        "rendering",
        None,
        4,
        "new.docx",
    )
    assert ready(tx, letter).state == "ready"


def test_the_first_proof_serves_and_a_later_one_changes_nothing(tx):
    service = party_of(ready(tx, issued(tx)))
    served = letters.prove(tx, service, "read", LATER, now=LATER, by=CLERK)
    assert (served.first, served.changed, served.at) == (True, True, LATER)
    assert (service.state, service.how, service.served_at) == ("served", "read", LATER)
    week = LATER + timedelta(days=5)
    served = letters.prove(tx, service, "post", week, now=week, by=CLERK, note="EMS 1234", attachment_id=8)
    assert (served.first, served.changed, served.at) == (False, False, LATER)
    assert [(proof.how, proof.note, proof.attachment_id) for proof in service.proofs] == [
        ("read", "", None),
        ("post", "EMS 1234", 8),
    ]


def test_an_earlier_proof_entered_later_counts(tx):
    service = party_of(ready(tx, issued(tx)))
    letters.prove(tx, service, "read", LATER, now=LATER, by=CLERK)
    day_before = LATER - timedelta(days=1)
    served = letters.prove(tx, service, "post", day_before, now=LATER + timedelta(days=1), by=CLERK)
    assert (served.first, served.changed, served.before, served.at) == (False, True, LATER, day_before)
    assert service.how == "post"


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (LATER + timedelta(seconds=1), ServedInFuture),
        (ISSUED - timedelta(seconds=1), ServedBeforeIssue),
        (READY - timedelta(seconds=1), FileNotReady),
    ],
)
def test_impossible_moments_leave_no_proof(tx, at, refusal):
    service = party_of(ready(tx, issued(tx)))
    with pytest.raises(refusal):
        letters.prove(tx, service, "post", at, now=LATER, by=CLERK)
    assert service.proofs == []


def test_without_file_nothing_is_served_by_hand(tx):
    with pytest.raises(FileNotReady):
        letters.prove(tx, party_of(issued(tx)), "in person", LATER, now=LATER, by=CLERK)


def test_a_copy_is_not_served(tx):
    copy = ready(tx, issued(tx)).services[1]
    with pytest.raises(letters.CopyIsNotServed):
        letters.prove(tx, copy, "post", LATER, now=LATER, by=CLERK)


def test_filing_proves_service_even_before_the_file_exists(tx):
    letter = issued(tx)
    [served] = letters.prove_all_for(tx, [41], 5, LATER, by=CLERK)
    assert (served.first, served.at, served.service.how) == (True, LATER, "filing")
    # The file that comes afterwards does not undo it.
    ready(tx, letter, LATER + timedelta(minutes=1))
    assert party_of(letter).state == "served"


def test_filing_proves_only_what_the_filer_was_sent_and_had_not_proved(tx):
    proved = party_of(ready(tx, issued(tx)))
    letters.prove(tx, proved, "read", READY, now=LATER, by=CLERK)
    of_another = party_of(issued(tx, party=Addressee("他人", 6)))
    of_another_case = party_of(issued(tx, case_id=42))
    issued_later = party_of(issued(tx, moment=LATER + timedelta(seconds=1)))
    unproved = party_of(issued(tx))
    assert [served.service for served in letters.prove_all_for(tx, [41, 43], 5, LATER, by=CLERK)] == [unproved]
    assert proved.served_at == READY
    for service in (of_another, of_another_case, issued_later):
        assert service.state == "awaiting file"
    assert letters.prove_all_for(tx, [], 5, LATER, by=CLERK) == []


def test_filing_before_a_proof_that_was_entered_first_counts_as_earlier(tx):
    service = party_of(ready(tx, issued(tx)))
    letters.prove(tx, service, "post", LATER, now=LATER, by=CLERK)
    filed = LATER - timedelta(seconds=40)
    [served] = letters.prove_all_for(tx, [41], 5, filed, by=CLERK)
    assert (served.first, served.changed, served.at) == (False, True, filed)


def test_a_mistaken_proof_is_struck_out_with_a_reason_and_kept(tx):
    service = party_of(ready(tx, issued(tx)))
    mistaken = letters.prove(tx, service, "post", READY, now=LATER, by=CLERK).service.proofs[0]
    letters.prove(tx, service, "read", LATER, now=LATER, by=CLERK)
    with pytest.raises(letters.ReasonMissing):
        letters.strike(tx, mistaken, reason=" ", by=CLERK, now=LATER)
    served = letters.strike(tx, mistaken, reason="回执日期录错", by=CLERK, now=LATER)
    assert (served.before, served.at, service.how) == (READY, LATER, "read")
    with pytest.raises(letters.AlreadyStruck):
        letters.strike(tx, mistaken, reason="再次", by=CLERK, now=LATER)
    served = letters.strike(tx, service.proofs[1], reason="点错", by=CLERK, now=LATER)
    assert (served.at, served.changed, service.state, service.how) == (None, True, "open", None)
    assert [proof.struck.reason for proof in service.proofs] == ["回执日期录错", "点错"]


@pytest.mark.parametrize("table", ["service_proofs", "struck_proofs"])
def test_proofs_are_never_changed(tx, table):
    service = party_of(ready(tx, issued(tx)))
    letters.prove(tx, service, "post", LATER, now=LATER, by=CLERK)
    letters.strike(tx, service.proofs[0], reason="回执日期录错", by=CLERK, now=LATER)
    for statement in (f"UPDATE {table} SET entered_by = 1", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match="append-only"), tx.begin_nested():
            tx.execute(text(statement))


def test_two_letters_never_share_a_number(tx):
    letter = issued(tx)
    tx.execute(text("UPDATE number_sequences SET last = 0"))
    with pytest.raises(IntegrityError), tx.begin_nested():
        issued(tx)
    assert tx.get(Letter, letter.id) is letter


def test_each_pattern_and_year_counts_for_itself(tx):
    drawn = [draw_number(tx, PATTERN, year) for year in (2026, 2026, 2027)]
    drawn.append(draw_number(tx, "渝环拒〔{year}〕{seq}号", 2026))
    assert drawn == ["渝环复〔2026〕1号", "渝环复〔2026〕2号", "渝环复〔2027〕1号", "渝环拒〔2026〕1号"]


@pytest.mark.parametrize("first_time", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_second_act_waits_for_the_first_and_leaves_no_gap(own_database, first_time, fails):
    if not first_time:
        with own_database.transaction() as tx:
            draw_number(tx, PATTERN, 2026)
    before = 0 if first_time else 1
    drawn, second = threading.Event(), []

    def later():
        drawn.wait(10)
        with own_database.transaction() as tx:
            second.append(draw_number(tx, PATTERN, 2026))

    thread = threading.Thread(target=later)
    thread.start()

    def act():
        with own_database.transaction() as tx:
            assert draw_number(tx, PATTERN, 2026) == f"渝环复〔2026〕{before + 1}号"
            drawn.set()
            thread.join(0.5)
            assert second == []  # it waits
            if fails:
                raise KeyError("the act fails")

    if fails:
        with pytest.raises(KeyError):
            act()
    else:
        act()
    thread.join(10)
    assert second == [f"渝环复〔2026〕{before + (1 if fails else 2)}号"]


def test_many_acts_at_once_of_which_some_fail_leave_no_gap(own_database):
    def act(n):
        try:
            with own_database.transaction() as tx:
                number = draw_number(tx, PATTERN, 2026)
                if n % 3 == 0:
                    raise KeyError(n)
                return number
        except KeyError:
            return None

    with ThreadPoolExecutor(6) as pool:
        drawn = [number for number in pool.map(act, range(60)) if number]
    assert sorted(int(re.search(r"〕(\d+)号", number)[1]) for number in drawn) == list(range(1, 41))
    with own_database.transaction() as tx:
        assert tx.query(NumberSequence.last).scalar() == 40
