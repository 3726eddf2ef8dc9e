"""What decision tables said in a case, in words: for officials with reasons and rules, for its party the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _

from portal.cases import deciding, kept, scopes
from portal.cases.deciding import HOLDS, REASON, RULES, TOLD, VALUE
from portal.cases.live import LiveCase
from portal.cases.names import OUTCOME
from portal.cases.values import Said
from portal.identity import PARTY
from portal.procedures.articles import citation
from portal.procedures.manifest import DecisionRule
from portal.web.languages import listed


@dataclass(frozen=True)
class Ruled:
    """What one table said: its result with the tone of a chip, why, on which article (or why it is assumed), and by
    which of its rules; `hard` ones bind."""

    title: str
    result: str
    tone: str
    reason: str
    basis: str | None
    assumed: str | None
    hard: bool
    rules: str
    judged: bool
    """Whether it said yes or no."""
    fails: bool
    told: str
    """Why, as its party reads it."""


@dataclass(frozen=True)
class Round:
    """What the tables said that one step asked, when; `newest`: they were not asked anew there since."""

    element: str
    title: str
    act_id: int
    at: datetime | None
    newest: bool
    results: tuple[Ruled, ...]
    said: Said

    @property
    def failed(self) -> int:
        """How many are not met."""
        return sum(one.fails for one in self.results)

    @property
    def binding(self) -> bool:
        """Whether what follows is not up to an official alone."""
        return any(one.hard for one in self.results)


def rounds(case: LiveCase, moments: Mapping[int, datetime]) -> tuple[Round, ...]:
    """Every time tables judged something, the newest first; `moments` says when each act was."""
    said = _said(case)
    newest = {(one.scope, one.element, one.item): one for one in said}
    found = (
        Round(
            element=one.element,
            title=case.element(one.scope, one.element).name,
            act_id=one.act_id,
            at=moments.get(one.act_id),
            newest=newest[one.scope, one.element, one.item] is one,
            results=tuple(_results(case, one)),
            said=one,
        )
        for one in reversed(said)
    )
    return tuple(one for one in found if one.results)


def unread(case: LiveCase, found: Iterable[Round]) -> tuple[Round, ...]:
    """The newest rounds after which no official has done a step yet: he reads them before all else, what binds him as
    it is now; what is not met comes first."""
    last = max((one.act_id for one in case.values.all if _by_official(case, one)), default=0)
    fresh = (one for one in found if one.newest and one.act_id > last)
    return tuple(
        replace(one, results=tuple(sorted(_as_of_now(case, one), key=lambda result: not result.fails))) for one in fresh
    )


def _as_of_now(case: LiveCase, found: Round) -> Iterable[Ruled]:
    """A round with what its hard rules say now; where that is another result it says what it was."""
    declared, asked = case.procedure.manifest.decisions, case.element(found.said.scope, found.element).decide
    hard = [key for key in asked if declared[key].effect == "hard" and isinstance(found.said.value.get(key), Mapping)]
    value = {**found.said.value, **deciding.again(case, found.said, hard)}
    for before, now in zip(found.results, _results(case, found.said.saying(value)), strict=True):
        changed = now.result != before.result
        yield replace(now, reason=_otherwise(before, now)) if changed else before


def _otherwise(before: Ruled, now: Ruled) -> str:
    return _("现在核对：%(reason)s（先前核对为“%(before)s”）", reason=now.reason or now.result, before=before.result)


def known_to_party(case: LiveCase) -> list[Ruled]:
    """The newest results that the party may know: those of a step whose diagram has come to its end (what it calls,
    such as the intake, or the case itself), and of them what was decided by the rules alone."""
    newest = {(one.element, one.item): one for one in _said(case) if _is_settled(case, one.scope)}
    return [result for one in newest.values() for result in _results(case, one) if result.judged]


def _said(case: LiveCase) -> list[Said]:
    return [one for one in case.values.all if case.element(one.scope, one.element).decide]


def _is_settled(case: LiveCase, scope: str) -> bool:
    if case.ended:
        return True
    left = case.values.at(scopes.opened_by(scope)) if scope else None
    return left is not None and OUTCOME in left.value


def _by_official(case: LiveCase, said: Said) -> bool:
    """Whether something was said at a step that an office does."""
    drawn = case.element(said.scope, said.element)
    if drawn.task is None or drawn.task.assignee is not None:
        return False
    return case.procedure.manifest.role(drawn.task.role) != PARTY


def _results(case: LiveCase, said: Said) -> Iterable[Ruled]:
    declared = case.procedure.manifest.decisions
    for key in case.element(said.scope, said.element).decide:
        read = kept.read(said.value.get(key))
        if isinstance(read, Mapping) and not _is_rows(read.get(VALUE)):
            yield _ruled(case, declared[key], read)


def _is_rows(value: object) -> bool:
    """Whether a table judges nothing, but puts rows together, as for a letter."""
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _ruled(case: LiveCase, rule: DecisionRule, said: Mapping[str, object]) -> Ruled:
    holds, hard = said.get(HOLDS, said.get(VALUE)), rule.effect == "hard"
    reason = _text(said.get(REASON))
    result, tone = _verdict(said, holds, hard=hard)
    return Ruled(
        title=rule.title,
        result=result,
        tone=tone,
        reason=reason,
        basis=citation(case.published.regulation, rule.basis),
        assumed=rule.assumed,
        hard=hard,
        rules=_numbers(said.get(RULES)),
        judged=isinstance(holds, bool),
        fails=holds is False,
        told=_text(said.get(TOLD)) or reason,
    )


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


def _verdict(said: Mapping[str, object], holds: object, *, hard: bool) -> tuple[str, str]:
    """What a table came to; of one that judges nothing, what it gave."""
    if isinstance(holds, bool):
        return (_("符合"), "g") if holds else (_("不符合"), "r" if hard else "a")
    given = [one for key, one in said.items() if key not in (RULES, TOLD) and one is not None]
    if HOLDS in said or not given:
        return _("需人工判断"), "v"
    return listed(listed(one) if isinstance(one, list) else one for one in given), "n"


def _numbers(rules: object) -> str:
    """第 1、3 条规则; empty where no rule spoke."""
    if not isinstance(rules, list) or not rules:
        return ""
    return _("第 %(numbers)s 条规则", numbers=listed(rules))
