"""People, workers and double clicks at the same moment: one wins, the others are told, nothing is doubled.

Each race is run once more with its lock taken out, and must then be found out.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, text

from portal.cases import attachments, conduct, delivery, filing, starting
from portal.cases.attachments import NotYourFile
from portal.cases.conduct import claim_ripe
from portal.cases.errors import AlreadyFiled, TaskDone
from portal.cases.family import Family
from portal.cases.models import ActRecord, Attachment, Case
from portal.deadlines import models as deadline_models
from portal.documents.models import Letter
from portal.errors import PortalError
from tests.builders.diagrams import path
from tests.builders.procedures import content, deadline, end, over, procedure, start, task
from tests.builders.world import Bureau, Followed, World, moment_of

ONE_TASK = content(one=procedure(start(), task("do"), end(), path("start", "do", "end")))
ONE_TIMER = content(
    one=procedure(
        start(), over("limit_over", "limit"), end(), path("start", "limit_over", "end"),
        manifest=deadline("limit", "3 days"),
    )
)  # fmt: skip


@pytest.fixture
def luck() -> random.Random:
    seed = random.randrange(2**32)
    print(f"{seed=}")
    return random.Random(seed)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act returned or raised, all of them begun at the same moment."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        together.wait()
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.fixture
def no_lock(monkeypatch) -> Iterator[None]:
    """The mutant: an act reads its family without locking it, while another one does the same."""
    meet = threading.Barrier(2)

    def look(cls, kernel, tx, case_id):
        root = tx.scalar(select(Case.root_id).where(Case.id == case_id))
        try:
            meet.wait(0.2)
        except threading.BrokenBarrierError:
            meet.reset()
        tx.expire_all()
        return cls(kernel, tx, root)

    def claim(tx, now):
        return tx.scalar(select(Case.root_id).where(Case.ripe_at <= now).order_by(Case.ripe_at).limit(1))

    monkeypatch.setattr(Family, "lock", classmethod(look))
    monkeypatch.setattr(conduct, "claim", claim)


# Two people, one task


def completions(database, rounds: int) -> list[str]:
    """What went wrong when two people complete each task at once."""
    world = World.over(database, ONE_TASK)
    li, he = world.person("李", "officer"), world.person("何", "officer")

    def race(case: Followed, task_id: int) -> list[str]:
        results = at_once(*[lambda by=by: world.complete(task_id, by, case, text=by.name) for by in (li, he)])
        winners = [by for by, result in zip((li, he), results, strict=True) if result is None]
        told = [result for result in results if isinstance(result, TaskDone)]
        if len(winners) != 1 or len(told) != 1 or winners[0].name not in told[0].text("zh"):
            return [f"{results}"]
        [done] = case.all_tasks
        left = (case.said("do"), done.holder_id, case.kinds)
        history = ["case.filed", "task.completed", "case.ended"]
        right = left == ({"text": winners[0].name}, winners[0].person_id, history)
        return [] if right else [f"{winners[0].name} won and left {left}"]

    cases = [world.file("one", world.wang) for _ in range(rounds)]
    wrong = [what for case in cases for what in race(case, world.task("do", case))]
    return [*wrong, *map(str, world.breaks())]


def test_two_people_complete_one_task_and_one_of_them_is_told_who_was_faster(own_database):
    assert completions(own_database, 20) == []


@pytest.mark.thorough
def test_without_the_lock_two_people_completing_one_task_are_found_out(own_database, no_lock):
    # How the two meet is chance: a mutant is caught when one round of several shows it.
    assert len(completions(own_database, 8)) >= 3


# A double click


def double_filings(database, rounds: int) -> list[str]:
    """What went wrong when each objection is handed in twice at once."""
    bureau = Bureau.over(database)

    def race(notice: Followed) -> list[str]:
        results = at_once(*[lambda: bureau.object(notice).number] * 2)
        numbers = [result for result in results if isinstance(result, str)]
        refused = [result for result in results if isinstance(result, AlreadyFiled)]
        if len(numbers) != 1 or len(refused) != 1 or numbers[0] not in refused[0].text("zh"):
            return [f"{results}"]
        heard = [entry.details["message"] for entry in notice.entries("message.received")]
        right = (notice.status, heard) == ("复核进行中", ["served", "review_filed"])
        return [] if right else [f"the notice is {notice.status} and heard {heard}"]

    wrong = [what for _ in range(rounds) for what in race(bureau.served_notice())]
    numbers = [case.number for case in bureau.cases("allocation-review")]
    if numbers != [f"渝环复案〔2026〕{n + 1}号" for n in range(rounds)]:
        wrong.append(f"{numbers}")
    return [*wrong, *map(str, bureau.breaks())]


def test_a_filing_handed_in_twice_at_once_makes_one_case(own_database):
    assert double_filings(own_database, 6) == []


@pytest.mark.thorough
def test_without_the_lock_a_filing_handed_in_twice_is_found_out(own_database, no_lock):
    assert double_filings(own_database, 6) != []


# One file, two cases


def file_races(database, rounds: int) -> list[str]:
    """What went wrong when one file is handed in with two filings of different procedures at once."""
    takes_files = procedure(start("files"), task("do"), end(), path("start", "do", "end"))
    world = World.over(database, content(one=takes_files, two=takes_files))

    def race(file: str) -> list[str]:
        results = at_once(
            *[lambda slug=slug: world.file(slug, world.wang, evidence=[file]).id for slug in ("one", "two")]
        )
        winners = [result for result in results if isinstance(result, int)]
        refused = [result for result in results if isinstance(result, NotYourFile)]
        owner = world.run.read(lambda tx: tx.get_one(Attachment, int(file)).case_id)
        right = (winners, len(refused)) == ([owner], 1)
        return [] if right else [f"{results}, the file is in {owner}"]

    return [what for number in range(rounds) for what in race(world.upload(world.wang, f"{number}.pdf"))]


def test_a_file_that_two_filings_name_at_once_belongs_to_one_of_them(own_database):
    assert file_races(own_database, 10) == []


@pytest.mark.thorough
def test_a_file_bound_without_looking_again_is_found_out(own_database, monkeypatch):
    meet = threading.Barrier(2)

    def bind(tx, case, form, values, actor):
        row = tx.get_one(Attachment, int(values["evidence"][0]))
        assert row.case_id is None
        meet.wait(5)
        row.case_id = case.id

    monkeypatch.setattr(attachments, "bind", bind)
    assert len(file_races(own_database, 3)) == 3


# The last second: an objection, an official and the worker contend for one notice

OBJECTED = "2026-10-12T23:59:59.9"
OFFICIAL = "2026-10-13T00:00:05"


class LastSecond:
    """One notice whose period is just over, and the three who come for it."""

    def __init__(self, bureau: Bureau) -> None:
        bureau.at("2026-09-21T09:00:00")
        self.bureau, self.notice = bureau, bureau.served_notice()

    def objection(self) -> None:
        self.bureau.object(self.notice, received=OBJECTED)

    def official(self) -> None:
        self.bureau.receipt(self.notice, self.bureau.tao, on="2026-09-28T10:00:00", received=OFFICIAL)

    def worker(self) -> None:
        bureau = self.bureau
        while bureau.run.act(lambda tx: claim_ripe(bureau.kernel, tx, bureau.now)) is not None:
            pass

    def wrong(self) -> list[str]:
        """What is not as it must be in whatever order they came, now and five minutes later."""
        bureau, notice, found = self.bureau, self.notice, []
        for moment in (bureau.now, moment_of("2026-10-13T00:05:00")):
            bureau.at(moment)
            self.worker()
            reviews = [case for case in bureau.cases("allocation-review") if case.row.about_id == notice.id]
            if [review.facts["in_time"] for review in reviews] != [True]:
                found.append("the objection is not in time")
            if (notice.outcome, notice.status, notice.entries("timer.fired")) != (None, "复核进行中", []):
                found.append(f"the notice is {notice.status}")
        return found


def every_order(bureau: Bureau) -> list[str]:
    """What goes wrong in the six orders, one after the other, between 00:00:05 and 00:00:45."""
    wrong = []
    for order in permutations(("objection", "official", "worker")):
        story = LastSecond(bureau)
        for name, clock in zip(order, ("00:00:05", "00:00:30", "00:00:45"), strict=True):
            bureau.at(f"2026-10-13T{clock}")
            getattr(story, name)()
        wrong += [f"{order}: {what}" for what in story.wrong()]
    return wrong


def test_an_objection_of_the_last_second_is_in_time_in_every_order(own_database):
    bureau = Bureau.over(own_database)
    assert every_order(bureau) == []
    assert bureau.breaks() == []


@pytest.mark.thorough
def test_without_the_minute_of_grace_a_wrong_order_is_found_out(own_database, monkeypatch):
    monkeypatch.setattr(deadline_models, "ripe", lambda kind, due: due)
    wrong = every_order(Bureau.over(own_database))
    # Whoever comes before the objection makes the notice final; only when the objection comes first it stands.
    assert {line.split(":")[0] for line in wrong} == {
        str(order) for order in permutations(("objection", "official", "worker")) if order[0] != "objection"
    }


def test_an_objection_of_the_last_second_is_in_time_whoever_is_faster(own_database, luck):
    bureau = Bureau.over(own_database)
    firsts = Counter()
    for _ in range(6):
        story = LastSecond(bureau)
        bureau.at("2026-10-13T00:00:40")
        pauses = [luck.uniform(0, 0.03) for _ in range(4)]
        order = []

        def come(act, pause, name, order=order):
            time.sleep(pause)
            act()
            order.append(name)

        acts = (story.objection, story.official, story.worker, story.worker)
        results = at_once(
            *[lambda a=act, p=pause: come(a, p, a.__name__) for act, pause in zip(acts, pauses, strict=True)]
        )
        assert results == [None] * 4
        assert story.wrong() == []
        firsts[next(name for name in order if name != "worker")] += 1
    print(dict(firsts))
    assert bureau.breaks() == []


# Workers


def working(world: World, stop: threading.Event, errors: list[BaseException]) -> int:
    """A worker's loop until it is stopped and nothing is due; how often it claimed a family."""
    claimed = 0
    while True:
        last = stop.is_set()
        try:
            if world.run.act(lambda tx: claim_ripe(world.kernel, tx, world.now)) is not None:
                claimed += 1
                continue
        except Exception as error:
            errors.append(error)
        if last:
            return claimed
        time.sleep(0.005)


def sixty_timers(database, families: int) -> tuple[list[str], list[int]]:
    """What went wrong when two workers meet many due families, and how they shared them."""
    world = World.over(database, ONE_TIMER)
    cases = [world.file("one", world.wang) for _ in range(families)]
    world.at("2026-10-20T09:00:00")
    stop, errors = threading.Event(), []
    stop.set()
    shares = at_once(*[lambda: working(world, stop, errors)] * 2)
    wrong = [f"{error}" for error in errors]
    for case in cases:
        if case.kinds.count("timer.fired") != 1 or case.outcome != "办结":
            wrong.append(f"{case.number}: {case.kinds}")
    return [*wrong, *map(str, world.breaks())], shares


def test_two_workers_fire_sixty_due_timers_once_each(own_database):
    wrong, shares = sixty_timers(own_database, 60)
    print(shares)
    assert wrong == []
    assert sum(shares) == 60
    assert min(shares) > 0


@pytest.mark.thorough
def test_without_the_lock_two_workers_on_one_timer_are_found_out(own_database, no_lock):
    wrong, _ = sixty_timers(own_database, 12)
    assert wrong != []


class Dispute:
    """A person who objects, corrects, forgets and withdraws, while two workers fire what is due."""

    WAYS = ("correct", "forget and go on", "forget and withdraw")

    def __init__(self, bureau: Bureau, luck: random.Random) -> None:
        self.bureau, self.luck = bureau, luck
        self.notice = bureau.served_notice()
        self.lapses = 0

    def later(self, **most: float) -> None:
        self.bureau.at(self.bureau.now + timedelta(**most) * self.luck.random())

    def round(self) -> None:
        """One objection that comes to nothing, by withdrawal or refusal."""
        bureau = self.bureau
        review = bureau.object(self.notice)
        self.later(hours=5)
        bureau.complete("check", bureau.li, review, result="补正", corrections="写明数量")
        match self.luck.choice(self.WAYS):
            case "correct":
                answers = {"claimed_amount": "1", "grounds": "更正", "late_reason": "洪水断路"}
                bureau.complete("correct", bureau.wang, review, **answers)
            case "forget and go on":
                self.forget(review)
                while "check" not in review.tasks:
                    time.sleep(0.002)
            case "forget and withdraw":
                self.forget(review)
                bureau.send("withdraw", review, bureau.wang, confirmed=True)
                return
        bureau.complete("check", bureau.li, review, result="不予受理", reason="不符合条件")
        bureau.complete("sign_refusal", bureau.chen, review, result="签发")

    def forget(self, review) -> None:
        self.lapses += 1
        self.bureau.at(review.deadline("correction").ripe)

    def finish(self) -> None:
        bureau = self.bureau
        review = bureau.object(self.notice)
        if review.facts["in_time"]:
            bureau.complete("check", bureau.li, review, result="受理")
        else:
            bureau.complete("check", bureau.li, review, result="提请认定正当理由", reason="不可抗力")
            bureau.complete("justify", bureau.sun, review, result="准予受理", reason="属实")
        bureau.decide(review, "变更", amount="1250000")
        bureau.complete("sign", bureau.chen, review, result="签发")


def dispute(database, luck: random.Random, rounds: int) -> list[str]:
    """What went wrong in a family that a person and two workers act on for a while."""
    bureau = Bureau.over(database)
    story, stop, errors = Dispute(bureau, luck), threading.Event(), []

    def person() -> None:
        try:
            for _ in range(rounds):
                story.round()
            story.finish()
        finally:
            stop.set()

    results = at_once(person, *[lambda: working(bureau, stop, errors)] * 2)
    print(f"claimed by the workers: {results[1:]}, corrections forgotten: {story.lapses}")
    wrong = [f"{error}" for error in (*errors, results[0]) if error is not None]
    return [*wrong, *_doubled(bureau, story, rounds), *map(str, bureau.breaks())]


def _doubled(bureau: Bureau, story: Dispute, rounds: int) -> list[str]:
    """What there is twice or not at all: timers, postings, cases, letters and their numbers."""
    reviews, found = bureau.cases("allocation-review"), []
    fired = [entry.element for case in reviews for entry in case.entries("timer.fired")]
    if fired != ["correction_over"] * story.lapses:
        found.append(f"{len(fired)} timers fired, {story.lapses} corrections were forgotten")
    if len(story.notice.entries("timer.fired")) > 1:
        found.append("the period ended twice")
    if bureau.entries() != [("allowance", 1_200_000), ("allowance", 50_000)]:
        found.append(f"the ledger holds {bureau.entries()}")
    numbers = bureau.run.read(lambda tx: [*tx.scalars(select(Letter.number)), *tx.scalars(select(Case.number))])
    last = Counter(re.sub(r"〕\d+号", "", number) for number in numbers)
    counted = Counter(re.sub(r"〕\d+号", "", number) for number in set(numbers))
    gaps = {pattern: count for pattern, count in last.items() if f"{pattern}〕{count}号" not in numbers}
    if gaps or last != counted or last["渝环复案〔2026"] != rounds + 1:
        found.append(f"the numbers are {sorted(numbers)}")
    return found


def test_a_person_and_two_workers_on_one_family_double_nothing(own_database, luck):
    assert dispute(own_database, luck, 10) == []


@pytest.mark.thorough
def test_without_the_lock_a_person_and_two_workers_are_found_out(own_database, luck, no_lock, monkeypatch):
    monkeypatch.setattr(Dispute, "WAYS", ("forget and withdraw",))
    assert dispute(own_database, luck, 4) != []


# Numbers and jobs


class Abandoned(Exception):
    """The transaction was given up."""


def numbers_of(database, seed: int) -> list[str]:
    """The numbers of the cases that four people filed at once, half of their attempts abandoned."""
    world = World.over(database, ONE_TASK)

    def people(number: int) -> None:
        luck = random.Random(seed + number)
        for _ in range(12):
            abandoned = luck.random() < 0.5

            def attempt(tx, abandoned=abandoned):
                filing.file(world.kernel, tx, world.wang, "small", "one", {}, world.now)
                if abandoned:
                    raise Abandoned

            try:
                world.run.act(attempt)
            except Abandoned:
                continue

    assert at_once(*[lambda n=n: people(n) for n in range(4)]) == [None] * 4
    return [case.number for case in world.cases("one")]


def without_gap(numbers: list[str]) -> bool:
    return sorted(numbers) == sorted(f"one〔2026〕{n + 1}号" for n in range(len(numbers)))


def test_numbers_have_no_gaps_though_half_the_filings_are_abandoned(own_database, luck):
    numbers = numbers_of(own_database, luck.randrange(2**32))
    print(len(numbers))
    assert 5 < len(numbers) < 43
    assert without_gap(numbers)


@pytest.mark.thorough
def test_numbers_of_a_plain_sequence_have_gaps_and_are_found_out(own_database, luck, monkeypatch):
    with own_database.transaction() as tx:
        tx.execute(text("CREATE SEQUENCE numbers"))
    monkeypatch.setattr(
        starting,
        "draw_number",
        lambda tx, pattern, year: f"one〔2026〕{tx.scalar(text('SELECT nextval(:s)'), {'s': 'numbers'})}号",
    )
    assert not without_gap(numbers_of(own_database, luck.randrange(2**32)))


def jobs_done_twice(database) -> list[object]:
    """What two workers that run the same job at once come to."""
    bureau = Bureau.over(database)
    bureau.renders = False
    notice = bureau.notice()
    [letter] = notice.letters

    def render() -> None:
        file = delivery.StoredFile("letters/1", "1" * 64, 100)
        bureau.run.act(lambda tx: delivery.rendered(bureau.kernel, tx, letter.id, file, bureau.now, job="job 7"))

    results = at_once(render, render)
    of_renders = select(ActRecord.job).where(ActRecord.job.is_not(None), ActRecord.kind == "render")
    jobs = bureau.run.read(lambda tx: tx.scalars(of_renders).all())
    return [
        *[error for error in results if error],
        *jobs,
        *[kind for kind in notice.kinds if kind == "letter.rendered"],
    ]


def test_a_job_that_two_workers_run_at_once_is_done_once(own_database):
    assert jobs_done_twice(own_database) == ["job 7", "letter.rendered"]


@pytest.mark.thorough
def test_without_the_lock_a_job_run_twice_is_found_out(own_database, no_lock):
    [error, *_] = jobs_done_twice(own_database)
    assert not isinstance(error, PortalError)


def test_one_form_posted_by_four_at_once_opens_one_case(own_database):
    world = World.over(own_database, ONE_TASK)

    def post(tx):
        return filing.file(world.kernel, tx, world.wang, "small", "one", {}, world.now, once="a random text").number

    told = at_once(*[lambda: world.run.act(post)] * 4)
    assert told == [case.number for case in world.cases("one")] * 4
