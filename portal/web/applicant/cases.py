"""One case as its party sees it: where it stands, by when, its letters and files, and what can be done now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import audit
from portal.cases import filing, notes, publicly, querycodes
from portal.cases.binding import bound_to
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.cases.material import handed_in
from portal.cases.messages import why_not
from portal.cases.models import Attachment, Case, Subscription, Task
from portal.cases.names import facts_of, scope_of
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.rules import While
from portal.documents.models import Letter, Service
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.forms import Option
from portal.forms.form import Shown
from portal.identity import PARTY, Actor, Permission, Subject
from portal.inbox import party
from portal.procedures.articles import citation
from portal.web import dates, judged, languages, noticed, validity
from portal.web.access import needs
from portal.web.applicant import clocks, corrected, offering, progress
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.frame import admit, blueprint, case_of, frame, has_agreed, organisation_of
from portal.web.applicant.offering import OfferView
from portal.web.applicant.progress import Seal, Standing
from portal.web.applicant.replaced import replacement
from portal.web.applicant.seals import seal_of, seal_on, sealed_text
from portal.web.figures import filed_figure
from portal.web.noticed import NoticeLine
from portal.web.pages import render
from portal.web.uploads import own_name

MOVES = frozenset({"task.completed", "message.received", "timer.fired"})
"""The entries of a history that tell what has moved the case on."""


@dataclass(frozen=True)
class StateView:
    """The first question answered: `tone` is "" nothing to do, a to act, r late, n ended."""

    title: str
    text: str
    tone: str
    deadline: DeadlineView | None
    action: str = ""
    url: str = ""
    looks: bool = False
    """Whether the action only looks at something, which people may do who may do nothing else."""


@dataclass(frozen=True)
class LetterLine:
    """A letter in a list: to be signed for, or to be read."""

    title: str
    number: str
    note: str
    url: str
    signed: bool
    ready: bool
    word_url: str | None = None
    pdf_url: str | None = None
    """Where it is downloaded, once it is served and its files are there."""


@dataclass(frozen=True)
class FileLine:
    """A file handed in."""

    name: str
    kind: str
    note: str
    url: str
    sha256: str
    material: str = ""
    """What it was asked for as."""
    state: str = "unscanned"
    released: bool = True
    """Whether it may be opened."""


@dataclass(frozen=True)
class NoteView:
    """What the authority has told the party beside the procedure."""

    at: str
    text: str


@dataclass(frozen=True)
class ActView:
    """What the party may send now; where it may not any more, `refused` says why in the diagram's words."""

    text: str
    url: str
    refused: str = ""


@dataclass(frozen=True)
class LinkedView:
    """A case that belongs together with this one."""

    title: str
    number: str
    status: str
    url: str


@dataclass(frozen=True)
class ObjectedView:
    """What somebody has filed about the case in public."""

    title: str
    number: str
    filed: str
    status: str
    lines: tuple[tuple[str, str], ...]


@blueprint.get("/my/cases/<int:case_id>")
@needs(Permission.CASE_READ)
def my_case(case_id: int) -> ResponseReturnValue:
    """Where a case stands and what can be done."""
    with reading() as tx:
        case, actor = opened(tx, case_id)
        now = moment(tx)
        standing = standing_of(tx, case)
        addressed = party.letters_in(tx, case_id, organisation_of(actor))
        unread = _unread(addressed) if has_agreed(tx, actor) else None
        state = _for_readers(_state(tx, standing, unread, now), actor)
        files = party.files_of(tx, case_id, organisation_of(actor))
        context = {
            "case": case.row,
            "figure": filed_figure(case.published, case.row),
            "state": state,
            "notes": [NoteView(dates.exact(note.at), note.text) for note in notes.visible(tx, case_id)],
            "others": _other_deadlines(tx, case, state.deadline, now),
            "steps": progress.steps(standing, state.deadline.progress if state.deadline else ""),
            "ahead": progress.ahead_text(standing),
            "received": letter_lines(addressed, may_sign=actor.may_file),
            "files": _files(files, _materials(case)),
            "said": submitted(tx, case, organisation_of(actor)),
            # Of a letter that waits to be opened they would tell what it says.
            "ruled": judged.known_to_party(case) if standing.seal is None else [],
            "corrected": corrected.rounds(tx, case),
            "item_files": {str(row.id): row for row in files},
            "acts": _acts(case, standing.waits) if actor.may_file else [],
            "offers": offers_about(tx, actor, case, now),
            "linked": _linked(tx, case),
            "notices": _notices(tx, case, now),
            "objected": _objected(case),
            "receipt": url_for("applicant.receipt", case_id=case_id) if case.row.filer_id is not None else None,
            "basis": _basis(case),
            "query_code": _query_code(case),
            "law": validity.of_case(tx, case),
            "text": bound_to(case.row, case.published.regulation),
            **frame(tx, actor, "my_cases"),
        }
    return render("applicant/case.html", **context)


@blueprint.get("/my/cases/<int:case_id>/receipt")
@needs(Permission.CASE_READ)
def receipt(case_id: int) -> ResponseReturnValue:
    """The receipt of what was filed: number, second of receipt, what follows, and by when."""
    with reading() as tx:
        case, actor = opened(tx, case_id)
        if case.row.filer_id is None:
            raise UnknownCase()
        now = moment(tx)
        running = [d for d in case.deadlines.values() if d.live]
        duty = next((d for d in running if d.kind == "duty" and d.event == "filed"), None)
        context = {
            "case": case.row,
            "at": dates.to_the_second(case.row.filed_at),
            "about": offering.letter_named(case.about) if case.about else "",
            "follows": _follows(standing_of(tx, case)),
            "facts": _facts(case),
            "duty": deadline_shown(tx, case, duty, now),
            "files": _files(party.files_of(tx, case_id, organisation_of(actor)), _materials(case)),
            "party": case.party.name if case.party else "",
            "basis": _basis(case),
            "query_code": _query_code(case),
            "track": f"{machine().settings.public_url}/track",
            "law": validity.of_case(tx, case),
            **frame(tx, actor, "my_cases"),
        }
    return render("applicant/receipt.html", **context)


def opened(tx: Session, case_id: int) -> tuple[LiveCase, Actor]:
    """A case of the person's own organisation, and who he is; UnknownCase."""
    case = case_of(tx, case_id)
    # An official's view of a case is another page; here a case is its party's.
    actor = admit(Subject(party_id=case.row.party_id))
    return case, actor


def standing_of(tx: Session, case: LiveCase) -> Standing:
    """Where a case stands."""
    history = audit.entries(tx, case.id)
    return Standing(case, history, party.open_tasks(tx, case.id), party.waits(tx, case.id), seal_of(tx, case.row))


def letter_lines(letters: Sequence[tuple[Letter, Service]], *, may_sign: bool) -> list[LetterLine]:
    """Letters as lines of a list; before service only that there is one. `ready`: this reader may sign for it."""
    return [_letter_line(letter, service, may_sign=may_sign) for letter, service in letters]


def _letter_line(letter: Letter, service: Service, *, may_sign: bool) -> LetterLine:
    url = url_for("applicant.my_letter", letter_id=letter.id)
    if service.served_at is not None:
        note = _("%(day)s 送达", day=dates.exact(service.served_at))
    elif letter.state == "ready":
        note = _("%(day)s 制发，待签收", day=dates.exact(letter.issued_at))
    else:
        note = _("%(day)s 制发，文件正在生成", day=dates.exact(letter.issued_at))
    ready = may_sign and letter.state == "ready"
    signed = service.served_at is not None
    return LetterLine(
        letter.title,
        letter.number,
        note,
        url,
        signed,
        ready,
        url_for("files.letter", letter_id=letter.id) if signed and letter.object_key else None,
        url_for("files.letter_pdf", letter_id=letter.id) if signed and letter.pdf_key else None,
    )


def _unread(addressed: Sequence[tuple[Letter, Service]]) -> Letter | None:
    """The first letter that waits to be signed for."""
    return next(
        (letter for letter, service in addressed if letter.state == "ready" and service.state != "served"), None
    )


def _state(tx: Session, standing: Standing, unread: Letter | None, now: datetime) -> StateView:
    """The state card: whose turn it is decides what it says first."""
    case = standing.case
    mine = next((task for task in standing.tasks if task.role == PARTY), None)
    if mine is not None:
        shown = task_shown(tx, case, mine, now)
        url = url_for("applicant.my_task", task_id=mine.id)
        text = _("现在需要您办理“%(task)s”。", task=mine.name)
        return StateView(case.row.status, text, "a", shown, _("现在办理"), url)
    if unread is not None:
        url = url_for("applicant.my_letter", letter_id=unread.id)
        text = _("《%(title)s》（%(number)s）等您打开并签收。", title=unread.title, number=unread.number)
        if standing.sealed is None and case.ended:
            ended = _ended(tx, standing)
            return replace(ended, text=languages.sentences(ended.text, text), action=_("去签收"), url=url)
        return StateView(sealed_text(), text, "a", None, _("去签收"), url)
    if standing.sealed is not None:
        return _sealed(standing.sealed)
    if case.ended:
        return _ended(tx, standing)
    deadline = hero_of(case, now)
    review = None if standing.tasks or deadline else _review_of(tx, case)
    if review is not None:
        return _in_review(tx, case, review, now)
    shown = deadline_shown(tx, case, deadline, now)
    late = shown is not None and shown.late
    text = languages.sentences(late_words(shown), _looked_into(case, deadline), _turn_text(standing, deadline))
    return StateView(case.row.status, text, "r" if late else "", shown)


def _looked_into(case: LiveCase, deadline: Deadline | None) -> str:
    """That what others have filed about the case is looked into, since when, and by when it is to be answered.

    Who they are, and what they have filed, is not said.
    """
    holding = {one.what for one in deadline.open_pauses if one.kind == "cases"} if deadline is not None else set()
    answers = case.answers if holding else []
    found = [one for one in answers if not one.ended and str(While("cases", one.row.procedure)) in holding]
    if not found:
        return ""
    duties = [d for one in found for d in one.deadlines.values() if d.kind == "duty" and d.event == "filed"]
    since = dates.exact(min(one.row.filed_at for one in found))
    said = _("“%(title)s”正在调查处理（%(n)s 件，%(since)s 起）。", title=found[0].row.title, n=len(found), since=since)
    last = max((d.ends for d in duties if d.live and d.ends is not None), default=None)
    by = _("应在 %(due)s 前答复，答复以前暂停计时。", due=dates.due_text(last)) if last is not None else ""
    return languages.sentences(said, by)


def _review_of(tx: Session, case: LiveCase) -> LiveCase | None:
    """The case that is open about this one, whose result it waits for."""
    found = next((row for row in party.linked(tx, case.row) if row.about_id == case.id and not row.ended_at), None)
    return Cases(tx, machine().kernel.releases).get(found.id) if found is not None else None


def _in_review(tx: Session, case: LiveCase, review: LiveCase, now: datetime) -> StateView:
    """That the result comes from the case about this one: how far that is, and by when."""
    mine = any(task.role == PARTY for task in party.open_tasks(tx, review.id))
    shown = deadline_shown(tx, review, hero_of(review, now), now)
    row = review.row
    text = _("等《%(title)s》（%(number)s）的结果：%(status)s。", title=row.title, number=row.number, status=row.status)
    text = languages.sentences(text, late_words(shown), "" if mine else _("您现在无需操作。"))
    tone = "a" if mine else "r" if shown is not None and shown.late else ""
    url = url_for("applicant.my_case", case_id=review.id)
    return StateView(case.row.status, text, tone, shown, _("查看该办件"), url, looks=True)


def _sealed(seal: Seal) -> StateView:
    """That there is a letter to be signed for first: in this case, or in the one about it."""
    if seal.answer is None:
        return StateView(seal.text, _("文书送达后，可以在这里看到结果。"), "", None)
    text = _(
        "《%(title)s》（%(number)s）的文书签收后，这里显示结果。", title=seal.answer.title, number=seal.answer.number
    )
    url = url_for("applicant.my_case", case_id=seal.answer.id)
    return StateView(seal.text, text, "a", None, _("查看该办件"), url, looks=True)


def _ended(tx: Session, standing: Standing) -> StateView:
    """How a case ended; of one that was replaced, by what."""
    case = standing.case
    replaced = replacement(tx, case.row)
    if replaced is None:
        return StateView(_("已办结：%(outcome)s", outcome=case.row.outcome), _ended_text(standing), "n", None)
    if replaced.unread:
        text = _("新的通知书等您打开并签收，期限自新通知书送达的次日起重新计算。")
        return StateView(replaced.text, text, "a", None, _("去签收"), replaced.url)
    text = _("本通知不再有效，以取代它的为准。")
    return StateView(replaced.text, text, "n", None, _("查看取代它的结果"), replaced.url, looks=True)


def _for_readers(state: StateView, actor: Actor) -> StateView:
    """The state card without a next step for whoever may not take it; it says who may."""
    if actor.may_file:
        return state
    if state.deadline is not None and state.deadline.kind == "right" and not state.url:
        text = languages.sentences(state.text, _("由本单位有“办理”权限的人员提出，您只有查看权限。"))
        return replace(state, text=text)
    if not state.url or state.looks:
        return state
    text = languages.sentences(state.text, _("请本单位有“办理”权限的人员办理，您只有查看权限。"))
    return replace(state, text=text, action="", url="")


def result_in_letter(standing: Standing) -> bool:
    """Whether a letter tells how a case has ended: of a withdrawal or a lapse, only one that was issued for it."""
    case = standing.case
    if case.decided:
        return bool(case.letters)
    moved = (entry.act_id for entry in standing.history if entry.kind in MOVES)
    return max((letter.act_id for letter in case.letters_issued), default=0) >= max(moved, default=1)


def _ended_text(standing: Standing) -> str:
    case = standing.case
    at = dates.exact(case.row.ended_at) if case.row.ended_at else ""
    if result_in_letter(standing):
        return _("%(at)s 办结，您现在无需操作。结果和救济途径见下方文书。", at=at)
    return _("%(at)s 办结，您现在无需操作。", at=at)


def _turn_text(standing: Standing, deadline: Deadline | None) -> str:
    if standing.tasks:
        return languages.sentences(turn_words(standing.case, standing.tasks), _("您现在无需操作。"))
    if deadline is not None and deadline.kind == "right":
        return _("如不同意，可以在下面的期限内提出；没有异议，无需操作。")
    return _("您现在无需操作。")


def late_words(deadline: DeadlineView | None) -> str:
    """That it is the authority that is late, and not who reads it; empty when it is not."""
    if deadline is None or not deadline.late:
        return ""
    return _("办理机关没有在下面的期限内办完，仍在办理。")


def next_words(case: LiveCase, tasks: Sequence[Task]) -> str:
    """现在由受理人员办理“形式审查”。"""
    regulation = case.published.regulation
    words = [
        _("现在由%(role)s办理“%(task)s”。", role=regulation.role_title(task.role), task=task.name) for task in tasks
    ]
    return languages.sentences(*dict.fromkeys(words))


def turn_words(case: LiveCase, tasks: Sequence[Task]) -> str:
    """Whose turn it is, where the state of the case does not say it already."""
    told = {case.element(task.scope, task.element).status for task in tasks}
    return "" if told == {case.row.status} else next_words(case, tasks)


def _follows(standing: Standing) -> str:
    """Where a case stands now, for its receipt; of a letter that was not opened, only that there is one."""
    case = standing.case.row
    if standing.sealed is not None:
        return _("%(what)s。", what=standing.sealed.text)
    if standing.case.ended:
        at = dates.exact(case.ended_at) if case.ended_at else ""
        return _("已于 %(at)s 办结：%(outcome)s。", at=at, outcome=case.outcome)
    return next_words(standing.case, standing.tasks) or _("%(what)s。", what=case.status)


def hero_of(case: LiveCase, now: datetime) -> Deadline | None:
    """The date that matters, as lists tell it too."""
    return party.heading(deadlines.live_of(case.tx, case.id), case.row, now)


def deadline_shown(tx: Session, case: LiveCase, deadline: Deadline | None, now: datetime) -> DeadlineView | None:
    """A deadline as a page shows it."""
    if deadline is None:
        return None
    return clocks.view(deadline, now, calendar_in_force(tx), case.published.regulation)


def task_shown(tx: Session, case: LiveCase, task: Task, now: datetime) -> DeadlineView | None:
    """The deadline of a task as a page shows it."""
    return clocks.of_task(case, task, now, calendar_in_force(tx))


def _other_deadlines(tx: Session, case: LiveCase, hero: DeadlineView | None, now: datetime) -> list[DeadlineView]:
    """The other deadlines that run."""
    live = party.deadlines_told(case)
    views = [clocks.view(d, now, calendar_in_force(tx), case.published.regulation) for d in live]
    said = replace(hero, said="") if hero is not None else None
    return [*(view for view in views if view not in (hero, said)), *_not_begun(case)]


def _not_begun(case: LiveCase) -> list[DeadlineView]:
    """The duties of the authority that begin when the case is accepted, as long as it is not."""
    rules = case.procedure.manifest.deadlines.values()
    waiting = [rule for rule in rules if rule.kind == "duty" and "accepted" in rule.after]
    return [clocks.not_begun(case, rule) for rule in waiting if not case.ended and rule.name not in case.deadlines]


def _materials(case: LiveCase) -> dict[int, str]:
    """As what each file of the filing was asked for, by its id."""
    form, answered = case.procedure.start_form, handed_in(case)
    asked = [field for field in form.fields if field.name in answered] if form is not None else []
    return {id: field.label.render(scope_of(case)) for field in asked for id in answered[field.name]}


def _files(rows: Sequence[Attachment], materials: Mapping[int, str]) -> list[FileLine]:
    return [
        FileLine(
            own_name(row),
            row.kind.upper(),
            f"{dates.size(row.size)} · {dates.exact(row.uploaded_at)}",
            url_for("files.attachment", attachment_id=row.id),
            row.sha256,
            materials.get(row.id, ""),
            row.state,
            row.released,
        )
        for row in rows
    ]


def submitted(tx: Session, case: LiveCase, organisation_id: int) -> list[Shown]:
    """What was filled in when the case was filed, as it stands after corrections."""
    start = case.procedure.drawing.start()
    said = case.values.latest("", start.id)
    if said is None or start.form is None or case.row.filer_id is None:
        return []
    form = case.procedure.forms[start.form]
    files = [Option(str(row.id), own_name(row)) for row in party.files_of(tx, case.id, organisation_id)]
    choices = {field.name: files for field in form.fields if field.kind_name == "filepicker"}
    return form.display(said.value, scope_of(case), choices, languages.language())


def _acts(case: LiveCase, waits: Sequence[Subscription]) -> list[ActView]:
    """The messages that the case takes from its party, and those it takes no more."""
    return list(_act_views(case, [wait for wait in waits if wait.role == PARTY]))


def _act_views(case: LiveCase, waits: Sequence[Subscription]) -> Iterator[ActView]:
    for wait in waits:
        element = case.element(wait.scope, wait.element)
        url = url_for("applicant.my_message", case_id=case.id, name=wait.message)
        yield ActView(element.name, url, why_not(case, wait))


def offers_about(tx: Session, actor: Actor, case: LiveCase, now: datetime) -> list[OfferView]:
    """What a person may file about a case."""
    found = filing.offers(machine().kernel, tx, actor, now)
    return [offering.view(tx, offer, now) for offer in found if offer.about is not None and offer.about.id == case.id]


def _linked(tx: Session, case: LiveCase) -> list[LinkedView]:
    seals = party.sealed(tx, case.row.party_id) if case.row.party_id else []
    return [_linked_view(tx, row, seals) for row in party.linked(tx, case.row)]


def _linked_view(tx: Session, row: Case, seals: Sequence[party.Sealed]) -> LinkedView:
    seal = seal_on(tx, seals, row.id)
    return LinkedView(
        row.title,
        row.number,
        seal.text if seal is not None and seal.hides else row.status,
        url_for("applicant.my_case", case_id=row.id),
    )


def _notices(tx: Session, case: LiveCase, now: datetime) -> list[NoticeLine]:
    """What the case has shown to everybody."""
    return noticed.lines_of(tx, case.id, now) if case.procedure.manifest.publicity else []


def _objected(case: LiveCase) -> list[ObjectedView]:
    """What the public has filed about the case, without a word of who did."""
    if not case.procedure.manifest.publicity:
        return []
    return [
        ObjectedView(one.row.title, one.row.number, dates.exact(one.row.filed_at), one.row.status, one.lines)
        for one in publicly.shared_with(case)
    ]


def _facts(case: LiveCase) -> list[tuple[str, str]]:
    """The facts of the manifest that are settled, such as whether the filing was in time."""
    values = facts_of(case)
    words = {True: _("是"), False: _("否")}
    facts = case.procedure.manifest.facts.values()
    return [(fact.title, words[values[fact.name] is True]) for fact in facts if isinstance(values[fact.name], bool)]


def _query_code(case: LiveCase) -> str:
    """The code by which the case is followed without signing in; empty for one that began before there were any."""
    return querycodes.spoken(case.row.query_code) if case.row.query_code else ""


def _basis(case: LiveCase) -> str:
    article = case.procedure.article(case.procedure.drawing.start())
    return citation(case.published.regulation, article) or ""
