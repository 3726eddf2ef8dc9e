"""What the address of an inbox asks for: which view, narrowed to what; and what may be chosen.

The choices come from the releases in force, never from the tasks that are open. A value that nobody offers narrows
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qsl, urlencode

from flask_babel import gettext as _

from portal.clock import day_of
from portal.edge.acting import is_id
from portal.inbox import Bounds, Filter, Light, Place, View, Wanted
from portal.inbox.rules import ANYBODY, MYSELF, NOBODY
from portal.procedures import Procedure, Published
from portal.web import dates

DONE = "done"
"""The view of what a person has done."""
TYPED = 60
"""So many characters of a unit are looked for."""
_WEEK = 7


@dataclass(frozen=True)
class Narrowed:
    """A view and what it is narrowed to, as texts of an address; `principal` is the person stood in for."""

    view: str = View.MINE
    principal: int | None = None
    procedure: str = ""
    """regulation.procedure"""
    step: str = ""
    """The name of a step, in whatever procedure."""
    unit: str = ""
    light: str = ""
    holder: str = ANYBODY

    @classmethod
    def read(cls, args: Mapping[str, str], published: Iterable[Published]) -> Self:
        """What some arguments ask for; what they ask for in vain is left out."""
        wanted, published = args.get("view", ""), list(published)
        view = wanted if wanted in {*View, DONE} else View.MINE
        principal = args.get("for", "")
        asked = cls(
            view=view,
            principal=int(principal) if is_id(principal) else None,
            unit=" ".join(args.get("unit", "").replace("\0", "").split())[:TYPED],
            light=args.get("light", "") if args.get("light") in set(Light) else "",
        )
        procedure, step, holder = args.get("procedure", ""), args.get("step", ""), args.get("holder", "")
        known = {key for key, _title in procedures(published)}
        held = holder if holder in (MYSELF, NOBODY) or is_id(holder) else ANYBODY
        return replace(
            asked,
            procedure=procedure if procedure in known else "",
            step=step if step in steps(published) else "",
            holder=held if view == View.ALL else ANYBODY,
        )

    @classmethod
    def parse(cls, query: str, published: Iterable[Published]) -> Self:
        """What the query of an address asks for."""
        return cls.read(dict(parse_qsl(query)), published)

    @property
    def query(self) -> str:
        """What an address says after the `?`, always the same for the same."""
        said = {
            "view": self.view,
            "for": self.principal,
            "procedure": self.procedure,
            "step": self.step,
            "unit": self.unit,
            "light": self.light,
            "holder": self.holder,
        }
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def address(self) -> str:
        """The page that shows it."""
        return f"/inbox?{self.query}"

    @property
    def plain(self) -> Narrowed:
        """The same view, narrowed to nothing."""
        return Narrowed(view=self.view, principal=self.principal)

    @property
    def is_filtered(self) -> bool:
        """Whether the view is narrowed to anything."""
        return self != self.plain

    @property
    def may_be_saved(self) -> bool:
        """Whether it may be given a name: not a whole view, nor what belongs to somebody else."""
        return self.is_filtered and self.principal is None and self.view != DONE

    @property
    def open_view(self) -> View:
        """The view of open tasks that it narrows."""
        return View(self.view) if self.view in set(View) else View.MINE

    def wanted(self, place: Place, published: Iterable[Published], limits: Bounds) -> Wanted:
        """The list as it is read."""
        only = Filter(
            procedures=self._procedures(published),
            step=self.step,
            unit=self.unit,
            light=Light(self.light) if self.light else None,
            holder=self.holder,
        )
        return Wanted(place, self.open_view, limits, only)

    def _procedures(self, published: Iterable[Published]) -> tuple[tuple[str, str], ...] | None:
        if self.procedure:
            regulation, _dot, slug = self.procedure.partition(".")
            return ((regulation, slug),)
        if not self.step:
            return None
        return tuple((one.regulation.slug, one.slug) for one in _all(published) if self.step in _steps_of(one))


@dataclass(frozen=True)
class Chosen:
    """One filter that is on, in words, and the address without it."""

    text: str
    url: str


def chosen(asked: Narrowed, published: Iterable[Published], people: Mapping[int, str], limits: Bounds) -> list[Chosen]:
    """The filters that are on."""
    titles = dict(procedures(published))
    said = [
        ("procedure", _("事项：%(value)s", value=titles.get(asked.procedure, ""))),
        ("step", _("环节：%(value)s", value=asked.step)),
        ("unit", _("单位：%(value)s", value=asked.unit)),
        ("light", _("期限：%(value)s", value=light_text(asked.light, limits))),
        ("holder", _("承办人：%(value)s", value=holder_text(asked.holder, people))),
    ]
    return [
        Chosen(text, replace(asked, **{name: ""}).address)  # type: ignore[arg-type] # all of them are texts
        for name, text in said
        if getattr(asked, name)
    ]


def light_text(light: str, limits: Bounds) -> str:
    """How a light is called; the week with its last day, which on a free weekend is that of the week to come."""
    words = {
        Light.RED: _("已超期"),
        Light.AMBER: _("2 个工作日内到期"),
        Light.WEEK: _week_text(limits),
        Light.GREEN: _("3 个工作日以上"),
        Light.NONE: _("无期限"),
    }
    return words[Light(light)] if light else ""


def _week_text(limits: Bounds) -> str:
    today, last = day_of(limits.red), dates.last_day(limits.week)
    until = dates.day_of_the_year(last.month, last.day)
    if (last - today).days < _WEEK:
        return _("本周到期（至 %(day)s）", day=until)
    return _("下个工作周到期（至 %(day)s）", day=until)


def lights(limits: Bounds) -> list[tuple[str, str]]:
    """The lights that may be chosen."""
    order = (Light.RED, Light.AMBER, Light.WEEK, Light.GREEN, Light.NONE)
    return [(light.value, light_text(light, limits)) for light in order]


def holder_text(holder: str, people: Mapping[int, str]) -> str:
    """Who is asked for, in words."""
    if holder == MYSELF:
        return _("我本人")
    if holder == NOBODY:
        return _("尚未领取")
    return people.get(int(holder), _("其他人员")) if holder else ""


def holders(people: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    """Who may be asked for."""
    return [
        (MYSELF, holder_text(MYSELF, {})),
        (NOBODY, holder_text(NOBODY, {})),
        *((str(number), name) for number, name in people),
    ]


def procedures(published: Iterable[Published]) -> list[tuple[str, str]]:
    """The procedures that may be chosen, in the order of their titles; those of several regulations with its name."""
    published = list(published)
    several = len(published) > 1
    found = [
        (
            f"{one.regulation.slug}.{one.slug}",
            _("%(procedure)s（%(regulation)s）", procedure=one.manifest.title, regulation=one.regulation.title)
            if several
            else one.manifest.title,
        )
        for one in _all(published)
    ]
    return sorted(found, key=lambda option: option[1])


def steps(published: Iterable[Published], procedure: str = "") -> list[str]:
    """The names of steps that may be chosen, each once: of one procedure, or of all."""
    some = [one for one in _all(published) if procedure in ("", f"{one.regulation.slug}.{one.slug}")]
    return list(dict.fromkeys(name for one in some for name in _steps_of(one)))


def _all(published: Iterable[Published]) -> Iterator[Procedure]:
    return (procedure for one in published for procedure in one.procedures.values() if _steps_of(procedure))


def _steps_of(procedure: Procedure) -> list[str]:
    """The steps of a procedure at which officials, or its party, are waited for."""
    return [element.name for _drawn, element in procedure.elements() if element.task and element.name]
