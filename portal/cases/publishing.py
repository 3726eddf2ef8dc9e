"""Publicity (公示): what a case shows to everybody, from when until when, and what became of it since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from portal.cases import quarantine
from portal.cases.errors import Refused, StepFailed
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Publication, PublicationChange
from portal.cases.names import evaluate, facts_of, form_of, scope_of
from portal.cases.scopes import outward
from portal.cases.values import Said
from portal.clock import TZ, day_of
from portal.deadlines.changes import Change
from portal.deadlines.models import Deadline
from portal.deadlines.wording import due_text
from portal.errors import Words
from portal.forms import Form, Option
from portal.forms.expressions import words
from portal.identity import queries as identity
from portal.procedures.publicity import LABELS, Publicity, Showing

_MOVES = ("moved", "paused", "resumed", "extended")
_LIVE = ("running", "paused")


class PublicityOver(Refused):
    """Somebody files about a case whose publicity is over, or has not begun."""

    zh = (
        "“{title}”的期间已于 {end} 结束，不能再在这里提出异议。"
        "仍有意见的，可以向办理机关书面反映；对作出的决定，可以依法申请行政复议或者提起行政诉讼。"
    )
    en = (
        "The period of “{title}” ended on {end}; objections can no longer be made here. You may still write to the "
        "authority; against its decision there is administrative review and the court."
    )


class NotPublished(Refused):
    """Somebody files about a case that shows nothing to the public now."""

    zh = "“{title}”现在没有公示，不能提出异议。"
    en = "“{title}” is not open to public comment now."


class Publishing(Protocol):
    """The part of an act that a publication needs."""

    tx: Session
    moment: datetime

    @property
    def id(self) -> int:
        """The act's number."""

    def note(self, case: LiveCase, kind: str, at: str | None = None, /, **details: object) -> None:
        """Writes a line into a case's history."""


def canonical(snapshot: Mapping[str, Any]) -> bytes:
    """A snapshot as the bytes whose SHA-256 is kept: JSON in UTF-8, keys in order, without blanks."""
    return json.dumps(snapshot, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(snapshot: Mapping[str, Any]) -> str:
    """The SHA-256 of a snapshot, hexadecimal."""
    return hashlib.sha256(canonical(snapshot)).hexdigest()


def is_open(publication: Publication, moment: datetime) -> bool:
    """Whether its period runs, or stands while an objection is looked into."""
    return publication.closed_at is None and (publication.paused or moment < publication.due)


def newest(tx: Session, case_id: int, name: str) -> Publication | None:
    """The newest publication of a case under a name."""
    mine = select(Publication).where(Publication.case_id == case_id, Publication.name == name)
    return tx.scalar(mine.order_by(Publication.id.desc()).limit(1))


def ended_early(publication: Publication) -> bool:
    """Whether it was closed before its period had run out: that is its end then."""
    return publication.closed_at is not None and publication.closed_at == publication.due


def check_open(tx: Session, about: LiveCase, name: str, moment: datetime) -> Publication:
    """The publication during which something may be filed about a case; PublicityOver, NotPublished."""
    found = newest(tx, about.id, name)
    if found is None:
        raise NotPublished(title=about.row.title)
    if not is_open(found, moment):
        raise over(found)
    return found


def over(publication: Publication) -> PublicityOver:
    """That nothing can be filed about a publication any more, and since when."""
    early, last = ended_early(publication), publication.last_day
    end = _minute(publication.due) if early else Words(due_text(last), f"{last.isoformat()} 24:00")
    return PublicityOver(title=publication.title, end=end)


# What the actions do


def begin(act: Publishing, case: LiveCase, scope: str, element: str, rule: Publicity) -> Publication:
    """Shows the case to everybody from now on; its period has been started by `opened(name)`."""
    deadline = case.deadlines.get(rule.deadline)
    if deadline is None or deadline.state not in _LIVE:
        raise StepFailed(reason=f"公示“{rule.name}”的期间“{rule.deadline}”没有起算。")
    said, regulation = case.procedure.manifest, case.published.regulation
    title = "".join(words(evaluate(case, text, scope)) if is_formula else text for text, is_formula in rule.pieces)
    files = list(_files(act.tx, case, rule))
    snapshot = {
        "title": title,
        "kind": rule.kind,
        "regulation": f"{regulation.title}（{regulation.number}）",
        "procedure": said.title,
        "case": case.row.number,
        "basis": rule.basis,
        "assumed": rule.assumed,
        "shown": [{"label": label, "text": text} for _path, label, text in shown(case, scope, rule.shows)],
        "files": [{key: value for key, value in file.items() if key != "attachment"} for file in files],
        "opened_at": act.moment.astimezone(TZ).isoformat(),
        "period": deadline.period,
        "last_day": deadline.last_day.isoformat(),
    }
    row = Publication(
        case_id=case.id,
        regulation=case.row.regulation,
        procedure=case.row.procedure,
        region=regulation.region,
        name=rule.name,
        kind=rule.kind,
        title=title,
        opened_at=act.moment,
        deadline_id=deadline.id,
        last_day=deadline.last_day,
        due=deadline.due,
        paused=deadline.state == "paused",
        snapshot=snapshot,
        sha256=digest_of(snapshot),
        files=files,
    )
    act.tx.add(row)
    act.tx.flush()
    until = deadline.due.astimezone(TZ).isoformat()
    act.note(case, "publicity.opened", element, publication=row.id, title=title, sha256=row.sha256, due=until)
    return row


def end(act: Publishing, case: LiveCase, element: str, rule: Publicity, result: object) -> Publication:
    """Closes what is shown under a name, with the result that a person has confirmed; the page stays."""
    row = _open_row(act.tx, case.id, rule.name)
    if row is None:
        raise StepFailed(reason=f"公示“{rule.name}”没有开始，或者已经结束。")
    if not isinstance(result, str) or not result.strip():
        raise StepFailed(reason=f"公示“{rule.name}”的结果没有内容。")
    _close(act, case, row, result.strip(), element)
    return row


def open_name(tx: Session, case_id: int, name: str) -> bool:
    """Whether a case shows something under a name now."""
    return _open_row(tx, case_id, name) is not None


def _open_row(tx: Session, case_id: int, name: str) -> Publication | None:
    mine = select(Publication).where(Publication.case_id == case_id, Publication.name == name)
    return tx.scalar(mine.where(Publication.closed_at.is_(None)))


def _close(act: Publishing, case: LiveCase, row: Publication, result: str, element: str | None) -> None:
    early = row.paused or act.moment < row.due
    if early:
        row.last_day, row.due = day_of(act.moment), act.moment
    row.closed_at, row.result, row.paused = act.moment, result, False
    _changed(act, row, "closed", result=result, early=early)
    act.note(case, "publicity.closed", element, publication=row.id, title=row.title, result=result, early=early)


# What becomes of it meanwhile


def deadline_changed(act: Publishing, case: LiveCase, change: Change) -> None:
    """Notes on the page of a publication what became of its period."""
    if change.what not in _MOVES or not case.procedure.manifest.publicity:
        return
    mine = select(Publication).where(Publication.deadline_id == change.deadline_id, Publication.closed_at.is_(None))
    row = act.tx.scalar(mine)
    deadline = act.tx.get(Deadline, change.deadline_id)
    if row is None or deadline is None:
        return
    row.last_day, row.due, row.paused = deadline.last_day, deadline.due, deadline.state == "paused"
    # Why a period stands is told in words of its own: who objected is nobody's business here.
    told = {"reason": change.reason} if change.what in ("moved", "extended") else {}
    last_day = None if row.paused else deadline.last_day.isoformat()
    _changed(act, row, change.what, last_day=last_day, **told)


def revised(act: Publishing, case: LiveCase) -> None:
    """Notes on the page what was shown and reads otherwise now, after the party has answered anew."""
    for row in _of_case(act.tx, case):
        rule = case.procedure.manifest.publicity.get(row.name)
        if rule is None:
            continue
        before = {line["label"]: line["text"] for line in row.snapshot["shown"]}
        now = {label: text for _path, label, text in shown(case, "", rule.shows)}
        labels = [label for label in {**before, **now} if before.get(label) != now.get(label)]
        handed_in = {(file["material"], file["sha256"]) for file in _files(act.tx, case, rule)}
        known = {(file["material"], file["sha256"]) for file in row.files}
        titles = case.procedure.manifest.materials
        labels += [titles[name].title for name in rule.materials if name in {key for key, _sha in handed_in ^ known}]
        if labels:
            _changed(act, row, "revised", labels=labels)


def concluded(act: Publishing, case: LiveCase, outcome: str) -> None:
    """Notes on the case's pages how it ended; what is still shown as open is closed by that."""
    for row in _of_case(act.tx, case):
        if row.closed_at is None:
            _close(act, case, row, outcome, None)
        _changed(act, row, "concluded", outcome=outcome)


def _of_case(tx: Session, case: LiveCase) -> list[Publication]:
    if not case.procedure.manifest.publicity:
        return []
    return list(tx.scalars(select(Publication).where(Publication.case_id == case.id).order_by(Publication.id)))


def _changed(act: Publishing, row: Publication, kind: str, **details: object) -> None:
    act.tx.add(PublicationChange(publication_id=row.id, act_id=act.id, at=act.moment, kind=kind, details=details))
    act.tx.flush()


# What is shown


def shown(case: LiveCase, scope: str, shows: tuple[Showing, ...]) -> Iterator[tuple[str, str, str]]:
    """The lines that are shown: path, label and text of each that has a value."""
    for one in shows:
        label, text = _line(case, scope, one.path)
        if text:
            yield one.path, one.label or label, text


def _line(case: LiveCase, scope: str, path: str) -> tuple[str, str]:
    first, _, rest = path.partition(".")
    found = _said_at(case, scope, first)
    if found is not None:
        said, form = found
        if said is None:
            return "", ""
        return _field(case, said, form, rest) if form is not None else ("", words(evaluate(case, path, scope)))
    if first == "facts":
        fact = case.procedure.manifest.facts.get(rest)
        return fact.title if fact else "", words(facts_of(case).get(rest))
    name, _, part = rest.partition(".")
    if first == "documents" and name in case.procedure.manifest.documents:
        label = case.procedure.manifest.documents[name].title
        return label if part == "number" else "", words(evaluate(case, path, scope))
    if first == "deadlines" and name in case.procedure.manifest.deadlines:
        return case.procedure.manifest.deadlines[name].title, words(evaluate(case, path, scope))
    return LABELS.get(path, ""), words(evaluate(case, path, scope))


def _said_at(case: LiveCase, scope: str, key: str) -> tuple[Said | None, Form | None] | None:
    """What was said last at an element seen from a scope, with the form by which it is read; None: no such element."""
    for around in outward(scope):
        element = case.procedure.inside(around).get(key)
        if element is not None and element.yields:
            form = form_of(element)
            return case.values.latest(around, key), case.procedure.forms[form] if form else None
    return None


def _field(case: LiveCase, said: Said, form: Form, name: str) -> tuple[str, str]:
    """The label and text of one answer; no text where it was not given or is not asked."""
    if _answer(said.value, name) in (None, "", []):
        return "", ""
    field = next((field for field in form.fields if field.name == name), None)
    names = scope_of(case, said.scope)
    codes = [str(_answer(said.value, name))] if field is not None and field.kind_name == "party" else []
    known = identity.organisation_names(case.tx, codes) if codes else {}
    choices = {name: [Option(code, title) for code, title in known.items()]} if codes else {}
    asked = [field.name for field in form.view(said.value, {}, names, choices).fields if field.visible]
    lines = dict(zip(asked, form.display(said.value, names, choices), strict=True))
    return lines.get(name, ("", ""))


def _answer(value: object, name: str) -> object:
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _files(tx: Session, case: LiveCase, rule: Publicity) -> Iterator[dict[str, Any]]:
    """The files of the materials that are made public, as they were handed in last."""
    for name in rule.materials:
        ids = next((ids for said in reversed(case.values.all) if (ids := _ids(case, said, name))), [])
        rows = tx.scalars(select(Attachment).where(Attachment.id.in_(ids), _of(case)))
        for row in sorted(rows, key=lambda row: row.id):
            quarantine.require_released(row)
            yield {
                "attachment": row.id,
                "material": name,
                "title": case.procedure.manifest.materials[name].title,
                "name": row.name,
                "kind": row.kind,
                "size": row.size,
                "sha256": row.sha256,
            }


def _of(case: LiveCase) -> ColumnElement[bool]:
    """The files of a case, and those that the act under way is still to bind to it."""
    return or_(Attachment.case_id == case.id, Attachment.case_id.is_(None))


def _ids(case: LiveCase, said: Said, name: str) -> list[int]:
    """The files that an answer holds under a material."""
    element = case.procedure.drawing_at(said.scope).elements.get(said.element)
    form = form_of(element) if element is not None else None
    fields = case.procedure.forms[form].fields if form else ()
    if not any(field.name == name and field.kind_name == "filepicker" for field in fields):
        return []
    answered = _answer(said.value, name)
    return [int(item) for item in answered] if isinstance(answered, list) else []


def file_key(tx: Session, attachment_id: int) -> str | None:
    """Under which key a file that was made public lies in the store; NotScanned, Infected."""
    row = tx.get(Attachment, attachment_id)
    if row is None:
        return None
    quarantine.require_released(row)
    return row.key


def _minute(moment: datetime) -> Words:
    local = moment.astimezone(TZ)
    return Words(f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}", f"{local:%Y-%m-%d %H:%M}")
