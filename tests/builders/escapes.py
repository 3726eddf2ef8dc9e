"""Python that an analyst's text may hold: each piece leaves a file behind, at CANARY, when somebody runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from portal.procedures.content import Content
from tests.builders.content import broken, changed, small

_OPEN = "open('CANARY','w').close()"
_FIND = "[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='_wrap_close'][0].__init__.__globals__"
_EXPRESSIONS = (
    _OPEN,
    f"({_OPEN}) or True",
    f"[{_OPEN} for _ in (1,)]",
    f"{{1: {_OPEN}}}",
    f"(lambda: {_OPEN})()",
    f"any({_OPEN} for _ in (1,))",
    f"{_OPEN} if 1 else 0",
    f"not {_OPEN}",
    f"sorted([1], key=lambda _: {_OPEN} or 0)",
    f"max((1,), key=lambda _: {_OPEN} or 0)",
    f"list(map(lambda _: {_OPEN}, (1,)))",
    f"[*({_OPEN} for _ in (1,))]",
    f"(x := {_OPEN})",
    f'f"{{{_OPEN}}}"',
    f'eval("{_OPEN}")',
    f'exec("{_OPEN}")',
    f"exec(compile(\"{_OPEN}\", 'x', 'exec'))",
    f"eval(compile(\"{_OPEN}\", 'x', 'eval'))",
    "io.open('CANARY','w').close() if (io := __import__('io')) else 0",
    "__import__('os').system('touch CANARY')",
    "__import__('os').mkdir('CANARY')",
    "__import__('os').open('CANARY', 64 | 1)",
    "__import__('os').mknod('CANARY')",
    "__import__('os').symlink('/', 'CANARY')",
    "__import__('pathlib').Path('CANARY').touch()",
    "__import__('subprocess').run(['touch','CANARY'])",
    "__import__('subprocess').getoutput('touch CANARY')",
    "__import__('subprocess').Popen('touch CANARY', shell=True).wait()",
    "__import__('importlib').import_module('os').mkdir('CANARY')",
    "__import__('shutil').copy('/etc/hostname', 'CANARY')",
    "__import__('builtins').open('CANARY','w')",
    "__import__('codecs').open('CANARY','w')",
    "__import__('tempfile')._os.mkdir('CANARY')",
    "__import__('sys').modules['os'].mkdir('CANARY')",
    "__import__('posix').mkdir('CANARY')",
    "__import__('sqlite3').connect('CANARY').execute('create table t(x)')",
    "__import__('zipfile').ZipFile('CANARY','w')",
    "__import__('pickle').loads(b'cposix\\nmkdir\\n(VCANARY\\ntR.')",
    "getattr(__import__('os'), 'mk' + 'dir')('CANARY')",
    "getattr(__builtins__, 'op' + 'en')('CANARY','w') if hasattr(__builtins__, 'open') else open('CANARY','w')",
    "vars(__import__('os'))['mkdir']('CANARY')",
    "globals()['__builtins__'] and open('CANARY','w')",
    "().__class__.__base__.__subclasses__() and __import__('os').mkdir('CANARY')",
    f"{_FIND}['mkdir']('CANARY')",
    f"{_FIND}['system']('touch CANARY')",
    f"{_FIND}['sys'].modules['os'].mkdir('CANARY')",
    "''.__class__.__mro__[1].__subclasses__() and open('CANARY','w')",
    "type('X', (), {'__del__': lambda self: open('CANARY','w')})()",
    "type('X', (), {'__getattr__': lambda self, n: open('CANARY','w')})().x",
    "(lambda f: f.__globals__['__builtins__'] and open('CANARY','w'))(lambda: 0)",
    "(lambda: 0).__code__.replace() and open('CANARY','w')",
    "(i for i in (1,)).gi_frame.f_globals and open('CANARY','w')",
    "print('', file=open('CANARY','w'))",
    "help and open('CANARY','w')",
    "__import__('ctypes').CDLL(None).mkdir(b'CANARY', 511)",
    "__import__('threading').Thread(target=lambda: open('CANARY','w')).run()",
    "__import__('timeit').timeit(\"open('CANARY','w')\", number=1)",
    "__import__('functools').reduce(lambda a, b: open('CANARY','w'), (1, 2))",
    "__import__('operator').methodcaller('mkdir', 'CANARY')(__import__('os'))",
    "__import__('logging').FileHandler('CANARY')",
    "__import__('asyncio').run(__import__('asyncio').to_thread(open, 'CANARY', 'w'))",
    "__import__('code').InteractiveInterpreter().runsource(\"open('CANARY','w')\")",
    "__import__('runpy') and open('CANARY', 'w')",
    "__import__('inspect').currentframe() and open('CANARY', 'w')",
    "1 if open('CANARY', 'w') else 2",
    "open(file='CANARY', mode='w')",
    "'%s' % open('CANARY', 'w')",
    "'{0}'.format(open('CANARY', 'w'))",
)


def payloads(canary: str) -> list[str]:
    """Each piece of Python, for one canary."""
    return [text.replace("CANARY", canary) for text in _EXPRESSIONS]


_SPIFF = 'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
_SIGN = '<portal:task role="leader" form="sign"/>'
_CONDITION = '=sign.result = "签发"'
_WHILE = "=sign.result != &quot;签发&quot;"
_START = '<bpmn:startEvent id="start" name="开始"/>'


def _x(text: str) -> str:
    return escape(text, quote=True)


def _extension(name: str) -> Callable[[str], Content]:
    """An extension of SpiffWorkflow's that holds the text."""
    tag = f"spiffworkflow:{name}"
    return lambda text: broken("grant.bpmn", _SIGN, f"{_SIGN}<{tag} {_SPIFF}>{_x(text)}</{tag}>")


def _inside(before: str, after: str) -> Callable[[str], Content]:
    """An element inside the task of the leader."""
    end = "</bpmn:extensionElements></bpmn:userTask>"

    def put(text: str) -> Content:
        data = small().files["bpmn/demo/grant/process.bpmn"].decode()
        task = data.index('id="sign"')
        at = data.index(end, task) + len("</bpmn:extensionElements>")
        return changed(**{"grant.bpmn": (data[:at] + before + _x(text) + after + data[at:]).encode()})

    return put


def _beside(before: str, after: str) -> Callable[[str], Content]:
    """An element of the process itself."""
    return lambda text: broken("grant.bpmn", _START, f"{_START}{before}{_x(text)}{after}")


_LOOP = "bpmn:multiInstanceLoopCharacteristics"
_EACH = '<bpmn:extensionElements><portal:each in="=draft.list" as="one"/></bpmn:extensionElements>'

FIELDS: Mapping[str, Callable[[str], Content]] = {
    "condition": lambda text: broken("grant.bpmn", _CONDITION, f"={_x(text)}"),
    "condition without =": lambda text: broken("grant.bpmn", _CONDITION, _x(text)),
    "condition said to be Python": lambda text: broken(
        "grant.bpmn",
        f"<bpmn:conditionExpression>{_CONDITION}",
        f'<bpmn:conditionExpression language="python">={_x(text)}',
    ),
    "condition beside others": lambda text: broken(
        "review.bpmn", '=check.result = "补正" and', f'=check.result = "补正" and {_x(text)} and'
    ),
    "input of an action": lambda text: broken("grant.bpmn", "=draft.unit", f"={_x(text)}"),
    "name of an action": lambda text: broken("grant.bpmn", 'name="cases.start"', f'name="{_x(text)}"'),
    "timer": lambda text: broken("period.bpmn", '=deadline("objection")', f"={_x(text)}"),
    "timer in Spiff's way": lambda text: broken("period.bpmn", '=deadline("objection")', _x(text)),
    "timer's deadline": lambda text: broken("period.bpmn", 'deadline("objection")', f'deadline("{_x(text)}")'),
    "while of a message": lambda text: broken("review.bpmn", _WHILE, f"={_x(text)}"),
    "role": lambda text: broken("grant.bpmn", _SIGN, f'<portal:task role="{_x(text)}" form="sign"/>'),
    "form": lambda text: broken("grant.bpmn", _SIGN, f'<portal:task role="leader" form="{_x(text)}"/>'),
    "called diagram": lambda text: broken("period.bpmn", 'diagram="@record"', f'diagram="{_x(text)}"'),
    "called element": lambda text: broken(
        "period.bpmn", '<bpmn:callActivity id="record"', f'<bpmn:callActivity id="record" calledElement="{_x(text)}"'
    ),
    "script task": _beside('<bpmn:scriptTask id="s" name="脚本"><bpmn:script>', "</bpmn:script></bpmn:scriptTask>"),
    "data object": _beside('<bpmn:dataObject id="d" name="', '"/>'),
    "business rule task": _beside('<bpmn:businessRuleTask id="r" name="表" implementation="', '"/>'),
    "conditional event": _beside(
        '<bpmn:intermediateCatchEvent id="c" name="等"><bpmn:conditionalEventDefinition><bpmn:condition>',
        "</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:intermediateCatchEvent>",
    ),
    "time's duration": _beside(
        '<bpmn:intermediateCatchEvent id="t" name="等"><bpmn:timerEventDefinition><bpmn:timeDuration>',
        "</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>",
    ),
    "time's cycle": _beside(
        '<bpmn:intermediateCatchEvent id="t" name="等"><bpmn:timerEventDefinition><bpmn:timeCycle>',
        "</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>",
    ),
    "correlation": _beside('<bpmn:correlationProperty id="k" name="', '"/>'),
    "cardinality": _inside(f"<{_LOOP}><bpmn:loopCardinality>", f"</bpmn:loopCardinality></{_LOOP}>"),
    "completion condition": _inside(
        f"<{_LOOP}>{_EACH}<bpmn:completionCondition>", f"</bpmn:completionCondition></{_LOOP}>"
    ),
    "list of many": _inside(
        f'<{_LOOP}><bpmn:extensionElements><portal:each in="=', f'" as="one"/></bpmn:extensionElements></{_LOOP}>'
    ),
    "loop": _inside(
        "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>",
        "</bpmn:loopCondition></bpmn:standardLoopCharacteristics>",
    ),
    "pre-script": _extension("preScript"),
    "post-script": _extension("postScript"),
    "unit test": _extension("unitTests"),
    "instructions": _extension("instructionsForEndUser"),
    "operator": _extension("serviceTaskOperator"),
    "called decision": _extension("calledDecisionId"),
    "message's payload": _extension("messagePayload"),
    "variable": _extension("variableName"),
    "fact": lambda text: broken(
        "review.toml",
        'is    = "about.deadlines.objection.due = null or case.filed_at < about.deadlines.objection.due"',
        f"is    = '''{text} '''",
    ),
    "length of a deadline": lambda text: broken("review.toml", 'within = "10 working days"', f"within = '''{text} '''"),
    "beginning of a deadline": lambda text: broken("review.toml", '"entered(correct)"', f"'''{text} '''"),
    "end of a deadline": lambda text: broken("review.toml", '["issued(decision)", "done(sign)"]', f"['''{text} ''']"),
    "party of a case": lambda text: broken("notice.toml", '"start.unit"', f"'''{text} '''"),
    "number": lambda text: broken("grant.toml", "示核案〔{year}〕{seq}号", f"{{{_toml(text)}}}{{seq}}"),
    "what is searched": lambda text: broken("grant.toml", '"draft.amount"', f"'''{text} '''"),
}
"""Where a text can stand that something might evaluate -> the small content with the text there."""


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
