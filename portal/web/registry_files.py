"""The public registers as data: a whole register as CSV or JSON, and one record as JSON with its changes."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from http import HTTPStatus
from io import StringIO
from itertools import chain
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import clock
from portal.clock import TZ, day_of
from portal.db import Database
from portal.documents import service as documents
from portal.edge.acting import act, reading
from portal.edge.files import disposition
from portal.edge.machine import machine
from portal.identity import TooManyAttempts, throttle
from portal.identity.entry import REGISTRY_FILE
from portal.procedures.regulation import Regulation
from portal.registers import Publication, Record, Register, public
from portal.registers.public import Overview, Wanted
from portal.registers.rules import KINDS, STATE
from portal.web.access import network, open_to_all
from portal.web.languages import code
from portal.web.registry import public_register, record_of, url_of, wanted_of

blueprint = Blueprint("registry_files", __name__)

LARGE = 1000
"""Records of a register, from how many on its files are handed out only so often."""
_AT_A_TIME = 500
_KEPT = "public, max-age=60"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet would carry out."""
_WHOLE = ("amount", "year")
_BOM = "\ufeff"

Told = tuple[Record, Publication]


class TooManyDownloads(TooManyAttempts):
    """Too many files of large registers from one address within a quarter of an hour."""

    zh = "从您的网络地址下载名册的次数过多，请 15 分钟后再试。"
    en = "Registers were downloaded too often from your address: try again in 15 minutes."


@dataclass(frozen=True)
class _Asked:
    """What is to be handed out, read before the first line is sent."""

    regulation: Regulation
    register: Register
    wanted: Wanted
    overview: Overview
    release_id: int

    def etag(self, *more: str) -> str:
        """What stays the same as long as the file does: releases and entries only grow."""
        said = (self.release_id, self.overview.entries, self.register.name, *astuple(self.wanted), *more)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


@blueprint.get("/registry/<regulation>/<register>.csv")
@open_to_all
def register_csv(regulation: str, register: str) -> ResponseReturnValue:
    """The public fields of a register for a spreadsheet."""
    asked = _asked(regulation, register)
    heads = [*map(asked.register.title_of, asked.register.public), _("状态"), _("首次公开"), _("最近变更"), _("网址")]
    response = _streamed(asked, "text/csv; charset=utf-8", asked.etag("csv", code()), lambda: _csv(asked, heads))
    response.headers["Content-Disposition"] = disposition(f"{asked.register.title}.csv")
    response.vary.add("Cookie")
    return response


@blueprint.get("/registry/<regulation>/<register>.json")
@open_to_all
def register_json(regulation: str, register: str) -> ResponseReturnValue:
    """The public fields of a register for a program."""
    asked = _asked(regulation, register)
    return _streamed(asked, "application/json", asked.etag("json"), lambda: _json(asked))


@blueprint.get("/registry/<regulation>/<register>/<int:record_id>.json")
@open_to_all
def record_json(regulation: str, register: str, record_id: int) -> ResponseReturnValue:
    """A record with every public change; of one that is shown no more, since when."""
    with reading() as tx:
        found = record_of(tx, regulation, register, record_id)
        told, base = found.told, _base(regulation, found.register)
        if told is None:
            hidden = {"id": record_id, "url": f"{base}/{record_id}", "hidden_since": _moment(found.hidden_since)}
            return finished(hidden, HTTPStatus.GONE)
        codes = documents.verification_codes(tx, {one.letter_id for one in told.changes if one.letter_id})
        verify = f"{machine().settings.public_url}/verify"
        changes = [
            {
                "at": _moment(one.moment),
                "changed": _both(found.register, one.changed),
                "document": one.document,
                "verify": f"{verify}/{documents.spoken(codes[one.letter_id])}" if one.letter_id in codes else None,
                "hidden_since": _moment(one.hidden_since),
            }
            for one in told.changes
        ]
        head = _head(found.regulation, found.register)
        return finished({**head, "record": _record(found.register, (found.row, told), base), "changes": changes})


def _asked(regulation: str, name: str) -> _Asked:
    with reading() as tx:
        published, register = public_register(tx, regulation, name)
        overview = public.overview(tx, regulation, register)
        return _Asked(published.regulation, register, wanted_of(register), overview, published.id)


def _streamed(asked: _Asked, kind: str, etag: str, lines: Callable[[], Iterator[str]]) -> Response:
    """A file that is sent as it is read; a large one only so often to one address, unless it has it already."""
    response = Response(mimetype=kind.partition(";")[0])
    response.automatically_set_content_length = False  # what it is asked for has no lines yet
    response.headers["Content-Type"] = kind
    response.headers["Cache-Control"] = _KEPT
    response.set_etag(etag)
    response.make_conditional(request)
    if response.status_code == HTTPStatus.NOT_MODIFIED or request.method == "HEAD":
        return response
    if asked.overview.count > LARGE:
        address = network()
        counted = lambda tx, _now: throttle.counted(tx, REGISTRY_FILE, address, clock.now())  # noqa: E731
        if not act(counted, _("下载名册")):
            raise TooManyDownloads
    response.response = lines()
    return response


def _batches(database: Database, asked: _Asked) -> Iterator[list[Told]]:
    """All records asked for, in the order of their ids: each batch in a transaction of its own, so that somebody who
    reads slowly holds no connection."""
    above, regulation, register = 0, asked.regulation.slug, asked.register
    while True:
        with database.transaction() as tx:
            found = public.batch(tx, regulation, register, asked.wanted, above=above, size=_AT_A_TIME)
        yield found
        if len(found) < _AT_A_TIME:
            return
        above = found[-1][0].id


def _csv(asked: _Asked, heads: Iterable[str]) -> Iterator[str]:
    register, base = asked.register, _base(asked.regulation.slug, asked.register)
    batches = _batches(machine().database, asked)

    def rows() -> Iterator[str]:
        yield _BOM + _line(heads)
        for row, told in chain.from_iterable(batches):
            cells = [_cell(register, name, told.fields.get(name)) for name in register.public]
            days = [day_of(moment).isoformat() for moment in (told.first_shown, told.changed_at)]
            yield _line([*cells, _harmless(told.state), *days, f"{base}/{row.id}"])

    return rows()


def _cell(register: Register, name: str, value: str | None) -> str:
    """A number as it is stored, so that it can be reckoned with; anything else as people read it."""
    if value is None:
        return ""
    if KINDS[register.fields[name]].number:
        return value
    return _harmless("、".join(register.items(name, value)))


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _json(asked: _Asked) -> Iterator[str]:
    register, base = asked.register, _base(asked.regulation.slug, asked.register)
    head = json.dumps(_head(asked.regulation, register), ensure_ascii=False)
    batches = _batches(machine().database, asked)

    def parts() -> Iterator[str]:
        yield f'{head[:-1]}, "records": ['
        for number, told in enumerate(chain.from_iterable(batches)):
            yield f"{',' if number else ''}\n{json.dumps(_record(register, told, base), ensure_ascii=False)}"
        yield "\n]}\n"

    return parts()


def _head(regulation: Regulation, register: Register) -> dict[str, Any]:
    fields = [
        {"name": name, "title": register.title_of(name), "kind": register.fields[name], "unit": unit or None}
        for name in register.public
        for unit in [KINDS[register.fields[name]].unit]
    ]
    return {
        "regulation": {"title": regulation.title, "number": regulation.number},
        "register": {"name": register.name, "title": register.title, "url": _base(regulation.slug, register)},
        "fields": fields,
    }


def _record(register: Register, one: Told, base: str) -> dict[str, Any]:
    row, told = one
    return {
        "id": row.id,
        "url": f"{base}/{row.id}",
        STATE: told.state,
        "counts": told.state not in register.closed,
        "first_shown": _moment(told.first_shown),
        "changed_at": _moment(told.changed_at),
        "fields": {name: _value(register, name, told.fields.get(name)) for name in register.public},
    }


def _value(register: Register, name: str, value: str | None) -> object:
    """Whole numbers as numbers, lists as lists, everything else as text: a decimal number keeps all its digits."""
    kind = register.fields.get(name, "text")
    if value is None:
        return None
    if KINDS[kind].several:
        return register.items(name, value)
    return int(value) if kind in _WHOLE else value


def _both(register: Register, changed: Mapping[str, Sequence[str | None]]) -> dict[str, list[object]]:
    """Of what changed, the old and the new value."""
    return {name: [_value(register, name, value) for value in both] for name, both in changed.items()}


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(TZ).isoformat(timespec="seconds") if moment is not None else None


def _base(regulation: str, register: Register) -> str:
    return f"{machine().settings.public_url}{url_of(regulation, register)}"


def finished(said: dict[str, Any], status: int = 200) -> Response:
    """A whole answer for a program, that caches may keep for a minute."""
    response = Response(f"{json.dumps(said, ensure_ascii=False)}\n", status, mimetype="application/json")
    response.headers["Cache-Control"] = _KEPT
    response.add_etag()
    response.make_conditional(request)
    return response
