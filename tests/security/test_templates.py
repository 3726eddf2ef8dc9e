"""Letters' templates that reach for what they should not, or swell: refused, inert behind the check, killed."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from jinja2 import Environment as Unsandboxed
from jinja2 import TemplateError

from portal.documents import render as rendering
from portal.documents import render_child
from portal.documents.filters import RenderFailed
from portal.documents.language import Environment, names
from portal.documents.render import RenderTooLarge, RenderTooLong, TemplateFaulty, render
from portal.documents.template import placeholders
from portal.errors import ContentFaults
from tests.builders.letters import plain
from tests.builders.mutants import mutate
from tests.builders.proving import Proof
from tests.rules.test_letters_templates import ESCAPES

URL = "https://portal.example/verify/7K3M9QXT2B4VHN8R"
_OS = "__init__.__globals__['__builtins__']['__import__']('os').system('touch CANARY')"
_GLOBALS = ("cycler", "joiner", "namespace", "lipsum", "self", "range", "dict")
_FIND = "__subclasses__()|selectattr('__name__', 'equalto', '_wrap_close')|first"
INJECTIONS = [
    *(f"{{{{ {name}.{_OS} }}}}" for name in ("cycler", "joiner", "namespace")),
    "{{ lipsum.__globals__['os'].system('touch CANARY') }}",
    "{{ lipsum.__globals__.os.mkdir('CANARY') }}",
    "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
    "{{ joiner.__init__.__globals__.os.mkdir('CANARY') }}",
    "{{ namespace.__init__.__globals__.os.mkdir('CANARY') }}",
    "{{ self.__init__.__globals__.__builtins__.open('CANARY', 'w').close() }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.mkdir('CANARY') }}",
    f"{{{{ (().__class__.__base__.{_FIND}).__init__.__globals__['mkdir']('CANARY') }}}}",
    f"{{{{ (''.__class__.__mro__[1].{_FIND}).__init__.__globals__['system']('touch CANARY') }}}}",
    f"{{{{ ([].__class__.__base__.{_FIND}).__init__.__globals__['mkdir']('CANARY') }}}}",
    "{{ lipsum|attr('__globals__')|attr('get')('os')|attr('mkdir')('CANARY') }}",
    "{{ (lipsum|attr('__glo' ~ 'bals__'))['os'].mkdir('CANARY') }}",
    "{{ lipsum['__globals__']['os']['mkdir']('CANARY') }}",
    "{{ lipsum['\\x5f\\x5fglobals\\x5f\\x5f']['os'].mkdir('CANARY') }}",
    "{% set o = lipsum.__globals__.os %}{{ o.mkdir('CANARY') }}",
    "{% with o = lipsum.__globals__.os %}{{ o.mkdir('CANARY') }}{% endwith %}",
    "{% if lipsum.__globals__.os.mkdir('CANARY') %}{% endif %}",
    "{% for x in [lipsum.__globals__.os.mkdir('CANARY')] %}{% endfor %}",
    "{% macro m(x=lipsum.__globals__.os.mkdir('CANARY')) %}{% endmacro %}{{ m() }}",
    "{% set x = namespace(a=lipsum.__globals__.os.mkdir('CANARY')) %}",
    "{% filter default(lipsum.__globals__.os.mkdir('CANARY')) %}{% endfilter %}",
    "{{ [1]|map(attribute=lipsum.__globals__.os.mkdir('CANARY') or 'real')|list }}",
    "{{ 'a'|replace('a', lipsum.__globals__.os.mkdir('CANARY')|string) }}",
    "{{ {'a': lipsum.__globals__.os.mkdir('CANARY')} }}",
    "{{ [lipsum.__globals__.os.mkdir('CANARY')] }}",
    "{{ (lipsum.__globals__.os.mkdir('CANARY'), 1)[1] }}",
    "{{ lipsum.__globals__.os.mkdir('CANARY') ~ '' }}",
    "{{ 1 if lipsum.__globals__.os.mkdir('CANARY') else 2 }}",
    "{{ not lipsum.__globals__.os.mkdir('CANARY') }}",
    "{{ lipsum.__globals__.os.mkdir('CANARY') is none }}",
    "{{ party.name.__class__.__base__.__subclasses__() and lipsum.__globals__.os.mkdir('CANARY') }}",
    "{{ lipsum.__globals__['__builtins__']['eval']('open(\"CANARY\", \"w\").close()') }}",
    "{{ lipsum.__globals__['__builtins__'].exec('open(\"CANARY\", \"w\").close()') }}",
]
DATA = {"party": {"name": "渝"}, "rows": [{"b": "1"}]}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "ran"


def injections(canary: Path) -> list[str]:
    return [text.replace("CANARY", str(canary)) for text in INJECTIONS]


def evaluated(environment: Unsandboxed, text: str) -> None:
    with suppress(TemplateError, RenderFailed, TypeError, ValueError, AttributeError, OSError, KeyError):
        environment.from_string(text).render(names(DATA))


def test_injections_are_refused_and_inert_behind_the_check(canary: Path, proof: Proof) -> None:
    texts = injections(canary)
    for text in texts:
        with pytest.raises(ContentFaults):
            placeholders(plain("{{ party.name }}", text))
        evaluated(Environment(), text)
        assert not canary.exists(), text
    asked = proof.size(2, 10, len(texts))
    for text in proof.dice.sample(texts, asked):
        with pytest.raises(TemplateFaulty):
            render(plain("{{ party.name }}", text), DATA, URL)
    assert not canary.exists()
    proof.says(
        "S4", "injections into a template", "0 executed", payloads=len(texts) + len(ESCAPES), rendered=asked, ran=0
    )


def test_each_injection_does_harm_where_nothing_holds_it(canary: Path, proof: Proof) -> None:
    dull = []
    for text in injections(canary):
        evaluated(Unsandboxed(autoescape=True), text)
        if not canary.exists():
            dull.append(text)
        elif canary.is_dir():
            canary.rmdir()
        else:
            canary.unlink()
    assert dull == []
    proof.catches("S4", "an environment without sandbox", executed=len(INJECTIONS))


ROWS = [{"b": "x" * 50}] * 2_000
BOMBS: dict[str, tuple[str, float, type[RenderFailed]]] = {
    "loops in loops": (
        "{% for a in rows %}{% for b in rows %}{% for c in rows %}{{ c.b }}{% endfor %}{% endfor %}{% endfor %}",
        1.5,
        RenderTooLong,
    ),
    "one loop of much": ("{% for a in rows %}{{ party.name }}{% endfor %}", rendering.SECONDS, RenderTooLarge),
}
"""A template, within how many seconds it is stopped, and why: time, or memory long before that."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_template_that_swells_is_stopped_at_its_limits(name: str, proof: Proof) -> None:
    text, limit, why = BOMBS[name]
    template = plain("{{ party.name }}", text)
    began = time.perf_counter()
    with pytest.raises(why) as stopped:
        render(template, {"party": {"name": "渝" * 300_000}, "rows": ROWS}, URL, seconds=limit)
    took = round(time.perf_counter() - began, 2)
    assert "停止" in stopped.value.text("zh")
    assert render(plain("{{ party.name }}"), DATA, URL)
    assert (rendering.SECONDS, rendering.MEMORY) == (10, 512 * 1024 * 1024)
    proof.says("S4", f"a template that swells: {name}", "killed at 10 s / 512 MB", limit=limit, seconds=took)


def test_a_child_without_a_limit_of_memory_is_noticed(monkeypatch: pytest.MonkeyPatch, proof: Proof) -> None:
    limits = "    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))\n"
    asked: list[int] = []
    monkeypatch.setattr(render_child.resource, "setrlimit", lambda kind, _limits: asked.append(kind))
    render_child.limit(1, 2)
    assert render_child.resource.RLIMIT_AS in asked
    asked.clear()
    mutate(monkeypatch, render_child, (limits, ""))
    render_child.limit(1, 2)
    assert render_child.resource.RLIMIT_AS not in asked
    proof.catches("S4", "no limit of memory", limits=len(asked))
