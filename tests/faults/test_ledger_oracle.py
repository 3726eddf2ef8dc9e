"""R12: whatever is posted, posted again and undone, the ledger holds what plain arithmetic says."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from portal.ledger import InsufficientBalance, rules
from tests.features.test_ledger import MILL, NOTICE, OTHER, PLANT, check, held, post, reverse


@pytest.fixture
def tx(tx):
    """The session, where cases and organisations need not be there: these tests are about the ledger only."""
    tx.execute(text("ALTER TABLE ledger_transfers DROP CONSTRAINT fk_ledger_transfers_case_id_cases"))
    tx.execute(text("ALTER TABLE ledger_accounts DROP CONSTRAINT fk_ledger_accounts_organisation_id_organisations"))
    return tx


class Oracle(RuleBasedStateMachine):
    """Whatever is posted and undone, the ledger holds what plain arithmetic says."""

    tx = None
    steps = None  # how many were taken, of all examples

    def __init__(self):
        super().__init__()
        self.undo = self.tx.begin_nested()
        self.posted = []  # [case, organisation, kind, amount, reversed]
        self.keys = {}

    def balance(self, organisation, kind):
        return sum(p[3] for p in self.posted if p[1:3] == [organisation, kind] and not p[4])

    def attempt(self, act, allowed):
        self.steps["posted" if allowed else "refused"] += 1
        step = self.tx.begin_nested()
        if allowed:
            act()
            step.commit()
        else:
            with pytest.raises(InsufficientBalance):
                act()
            step.rollback()

    @rule(
        case=st.sampled_from([NOTICE, OTHER]),
        organisation=st.sampled_from([MILL, PLANT]),
        kind=st.sampled_from(["免费", "调整"]),
        amount=st.integers(-60, 100).filter(bool),
    )
    def post(self, case, organisation, kind, amount):
        facts = {"case_id": case, "organisation_id": organisation, "dimensions": {"year": 2025, "kind": kind}}
        key = f"k{len(self.keys)}"
        allowed = self.balance(organisation, kind) + amount >= 0
        self.attempt(lambda: post(self.tx, key, amount, **facts), allowed)
        if allowed:
            self.keys[key] = (amount, facts)
            self.posted.append([case, organisation, kind, amount, False])

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def post_again(self, data):
        key = data.draw(st.sampled_from(sorted(self.keys)))
        amount, facts = self.keys[key]
        post(self.tx, key, amount, **facts)

    @rule(case=st.sampled_from([NOTICE, OTHER]), key=st.uuids())
    def reverse(self, case, key):
        mine = [p for p in self.posted if p[0] == case and not p[4]]
        places = {tuple(p[1:3]) for p in mine}
        allowed = all(self.balance(*place) >= sum(p[3] for p in mine if tuple(p[1:3]) == place) for place in places)
        self.attempt(lambda: reverse(self.tx, str(key), of_case=case), allowed)
        if allowed:
            for posting in mine:
                posting[4] = True

    @invariant()
    def holds_what_arithmetic_says(self):
        for organisation in (MILL, PLANT):
            holdings = held(self.tx, organisation)
            for kind in ("免费", "调整"):
                assert holdings.get(kind, 0) == self.balance(organisation, kind)

    def teardown(self):
        try:
            check(self.tx)
        finally:
            self.undo.rollback()


def compared(tx, proof, **how):
    """Walks so often and so far as is asked for; how many postings were taken and refused, by both alike."""
    steps = Counter()
    machine = seed(proof.seed)(type("Machine", (Oracle,), {"tx": tx, "steps": steps}))
    walks = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), **how)
    run_state_machine_as_test(machine, settings=walks)
    return steps


@pytest.mark.timeout(3600)
def test_the_ledger_agrees_with_an_oracle(tx, proof):
    examples, length = proof.size(10, 25, 1000), proof.size(15, 25, 50)
    steps = compared(tx, proof, max_examples=examples, stateful_step_count=length)
    proof.says(
        "R12",
        "ledger state machine against an oracle of plain arithmetic",
        "1,000 examples x 50 steps",
        examples=examples,
        steps=length,
        posted=steps["posted"],
        refused=steps["refused"],
    )
    assert steps["posted"]
    assert steps["refused"]


def test_a_ledger_that_undoes_wrongly_differs_from_the_oracle(tx, proof, monkeypatch):
    """The mutant: what is undone is posted once more."""
    monkeypatch.setattr(rules, "mirror", tuple)
    few = {"max_examples": 50, "stateful_step_count": 20, "phases": [Phase.generate], "report_multiple_bugs": False}
    with pytest.raises((AssertionError, pytest.fail.Exception, InsufficientBalance)) as noticed:
        compared(tx, proof, **few)
    proof.catches("R12", "what is undone is posted once more", by=type(noticed.value).__name__)
