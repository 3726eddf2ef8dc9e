"""Reads a form from its JSON (a subset of form-js's schema) and finds every fault in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from portal import feel
from portal.errors import ContentFaults, Fault
from portal.feel import FeelError
from portal.forms import twins
from portal.forms.answers import Refused
from portal.forms.component import Component
from portal.forms.expressions import Compiler, Functions, Wording, Written
from portal.forms.form import Form
from portal.forms.kinds import KINDS, NOT_BUILT
from portal.forms.kinds.base import Answered, Kind
from portal.forms.kinds.corrections import ANSWER, ASK, JUDGE, Corrections
from portal.forms.kinds.datetime import Day
from portal.forms.kinds.group import Group as GroupKind
from portal.forms.kinds.number import Number
from portal.forms.kinds.table import COLUMN_KINDS, MOST_COLUMNS, Column, Table
from portal.forms.kinds.text import StaticText
from portal.forms.kinds.year import Year
from portal.forms.tree import Beside, Field, Group, Part, Static, drivers, fields_of

PROTECTED = frozenset(
    {
        "about",
        "case",
        "deadlines",
        "documents",
        "facts",
        "instrument",
        "parameters",
        "party",
        "periods",
        "publication",
        "with",
    }
)
"""Names the case offers its forms; a field of that name would hide them, or could be taken for them."""

_LARGEST = 256 * 1024
_MOST_BESIDE = 6
_LONGEST_BESIDE = 60
_MOST_PARTS = 300
_DEEPEST = 5
_NAME = re.compile(r"[^\W\d_]\w{0,59}")
_FORM_KEYS = frozenset(
    {"type", "id", "components", "schemaVersion", "exporter", "executionPlatform", "executionPlatformVersion"}
)
_NO_FUNCTIONS: Functions = MappingProxyType({})


def read(data: bytes, functions: Functions = _NO_FUNCTIONS) -> Form:
    """The form in a file; `functions` are those its FEEL may call. ContentFaults names all that is wrong."""
    raw = _parsed(data)
    reader = _Reader(functions)
    form = reader.form(raw)
    if reader.faults:
        raise ContentFaults(reader.faults)
    return form


def _parsed(data: bytes) -> dict[str, object]:
    if len(data) > _LARGEST:
        raise ContentFaults([Fault(f"表单文件超过 {_LARGEST // 1024} KB", "把表单拆成几份")])
    try:
        raw = json.loads(
            data.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_no_twins,
        )
    except json.JSONDecodeError as error:
        fault = Fault(
            f"JSON 格式有误（第 {error.lineno} 行第 {error.colno} 列）",
            "检查此处及上一行的逗号、引号和括号",
            line=error.lineno,
        )
        raise ContentFaults([fault]) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ContentFaults([Fault("文件不是 UTF-8 编码", "用 UTF-8 编码另存", line=line)]) from error
    except _Twice as error:
        name, line = twins.first(data.decode("utf-8-sig")) or ("", 1)
        raise ContentFaults([Fault(f"同一对象里“{name}”写了两次", "只留一个", line=line)]) from error
    except (ValueError, RecursionError) as error:
        raise ContentFaults([Fault(f"JSON 无法读取：{error}", "检查数字和括号层数")]) from error
    if not isinstance(raw, dict) or raw.get("type") != "default":
        raise ContentFaults([Fault("这不是一份表单", '写成 { "type": "default", "id": "…", "components": [ … ] }')])
    return raw


def _no_constant(name: str) -> object:
    raise ValueError(f"不能用 {name}")


class _Twice(ValueError):
    pass


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _Twice
    return dict(pairs)


@dataclass(frozen=True)
class _Place:
    """Where a component stands: the groups around it and what hides them."""

    index: str
    prefix: str
    hidden_when: tuple[Written, ...]
    depth: int


class _Reader:
    """Reads one form, noting every fault."""

    def __init__(self, functions: Functions) -> None:
        self.faults: list[Fault] = []
        self._compiler = Compiler(functions)
        self._names: set[str] = set()
        self._count = 0
        self._correcting = 0

    def form(self, raw: dict[str, object]) -> Form:
        """The form, as far as it could be read."""
        for name in sorted(set(raw) - _FORM_KEYS):
            self.faults.append(Fault(f"表单不认识“{name}”", f"删去“{name}”"))
        id = raw.get("id")
        if not isinstance(id, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,59}", id):
            self.faults.append(Fault("表单的 id 缺失或不合规", 'id 用英文字母、数字、下划线，例如 "id": "review"'))
            id = "form"
        parts = self._parts(raw.get("components"), _Place("components", "", (), 0))
        fields = tuple(fields_of(parts))
        return Form(id, parts, tuple(self._compiler.written), self._order(fields))

    def _parts(self, raw: object, around: _Place) -> tuple[Part, ...]:
        if not isinstance(raw, list) or not raw:
            self.faults.append(Fault("没有组件（components）", "在 components 里至少写一个字段", element=around.index))
            return ()
        parts = []
        for place, component in enumerate(raw):
            index = f"{around.index}[{place}]"
            self._count += 1
            if self._count == _MOST_PARTS + 1:
                self.faults.append(Fault(f"组件超过 {_MOST_PARTS} 个", "把表单拆成几份", element=index))
            if self._count > _MOST_PARTS:
                break
            if isinstance(component, dict):
                part = self._part(component, replace(around, index=index))
                parts.append(part and replace(part, row=_row(component)))
            else:
                self.faults.append(Fault("组件应为对象", '写成 { "type": … }', element=index))
        return tuple(part for part in parts if part is not None)

    def _part(self, raw: dict[str, object], place: _Place) -> Part | None:
        key = raw.get("path" if raw.get("type") == Table.ON else "key")
        component = Component(raw, key if isinstance(key, str) and key else place.index, self.faults)
        found = self._kind(component)
        if found is None:
            return None
        kind_name, kind = found
        self._attributes(component, kind_name, kind)
        place = replace(place, hidden_when=place.hidden_when + self._condition(component))
        if issubclass(kind, Table):
            return self._table(component, kind_name, kind, place)
        if issubclass(kind, Corrections):
            return self._corrections(component, kind_name, kind, place)
        if issubclass(kind, Answered):
            return self._field(component, kind_name, kind, place)
        if kind is GroupKind:
            return self._group(component, place)
        return self._text(component, place)

    def _kind(self, component: Component) -> tuple[str, type[Kind]] | None:
        type_ = component.raw.get("type")
        if not isinstance(type_, str):
            component.fault("组件没有类型（type）", f"写明 type：{_types()}")
        elif type_ == Table.ON and "kind" in component.properties:
            return self._domain_kind(component, type_)
        elif type_ == Table.ON:
            component.fault(
                f"不支持的组件类型“{type_}”（{NOT_BUILT[type_]}）",
                '表格写上 "properties": { "kind": "table" }，补正事项写 corrections',
            )
        elif type_ in NOT_BUILT:
            component.fault(f"不支持的组件类型“{type_}”（{NOT_BUILT[type_]}）", f"改用：{_types()}")
        elif type_ not in KINDS or KINDS[type_].ON is not None:
            component.fault(f"未知的组件类型“{type_}”", f"改用：{_types()}")
        elif "kind" in component.properties and "kind" in KINDS[type_].PROPERTIES:
            return self._domain_kind(component, type_)
        else:
            return type_, KINDS[type_]
        return None

    @staticmethod
    def _domain_kind(component: Component, type_: str) -> tuple[str, type[Kind]] | None:
        name = component.properties["kind"]
        if isinstance(name, str) and name in KINDS and type_ == KINDS[name].ON:
            return name, KINDS[name]
        there = "、".join(name for name, kind in KINDS.items() if type_ == kind.ON)
        component.fault(f"{type_} 没有“{name}”这一种（properties.kind）", f"改用：{there}，或删去 kind")
        return None

    @staticmethod
    def _attributes(component: Component, kind_name: str, kind: type[Kind]) -> None:
        parts: tuple[tuple[str, Mapping[str, object], frozenset[str]], ...] = (
            ("", component.raw, kind.ATTRIBUTES),
            ("validate.", component.validate, kind.VALIDATE),
            ("properties.", component.properties, kind.PROPERTIES),
        )
        for prefix, part, allowed in parts:
            for name in part:
                if name not in allowed and not (prefix == "" and name in ("validate", "properties") and not part[name]):
                    component.fault(
                        f"{kind_name} 不认识“{prefix}{name}”",
                        f"删去它；可以写的有：{'、'.join(sorted(allowed)) or '无'}",
                    )

    def _condition(self, component: Component) -> tuple[Written, ...]:
        conditional = component.raw.get("conditional")
        if conditional is None:
            return ()
        if not isinstance(conditional, dict) or set(conditional) != {"hide"}:
            component.fault("“conditional”应当且只应有 hide", '写成 "conditional": { "hide": "=conclusion != "变更"" }')
            return ()
        written = self._compiler.marked(component, "conditional.hide", conditional["hide"])
        return () if written is None else (written,)

    def _text(self, component: Component, place: _Place) -> Static | None:
        text = component.words(component.raw, "text", StaticText.LONGEST)
        if text is None:
            if "text" not in component.raw:
                component.fault("说明文字没有内容（text）", '写上 "text": "…"')
            return None
        return Static(component.place, place.hidden_when, self._compiler.wording(component, "text", text))

    def _group(self, component: Component, place: _Place) -> Group | None:
        if place.depth == _DEEPEST:
            component.fault(f"分组嵌套超过 {_DEEPEST} 层", "减少分组的层数")
            return None
        label = self._wording(component, "label")
        name = ""
        inner = replace(place, index=f"{place.index}.components", depth=place.depth + 1)
        if "path" in component.raw:
            name = self._name(component, "path", place.prefix) or ""
            inner = replace(inner, prefix=f"{name}." if name else place.prefix)
        parts = self._parts(component.raw.get("components"), inner)
        return Group(component.place, place.hidden_when, name, label, parts)

    def _table(self, component: Component, kind_name: str, kind_type: type[Table], place: _Place) -> Field | None:
        field = self._field(component, kind_name, kind_type, place, "path")
        columns = self._columns(component, place)
        names = {column.name for column in columns}
        numbers = {c.name for c in columns if isinstance(c.kind, Number) and not isinstance(c.kind, Year)}
        unique = self._named(component, "unique", names, "列")
        total = self._named(component, "sum", numbers, "数字列")
        if field is None:
            return None
        for column in columns:
            self._looks_at_the_table(column, field)
        assert isinstance(field.kind, Table)
        asked = tuple(Column(column.name, column.kind) for column in columns)
        kind = replace(field.kind, columns=asked, unique=unique, sum=total)
        return replace(field, kind=kind, columns=columns)

    def _corrections(
        self, component: Component, kind_name: str, kind_type: type[Corrections], place: _Place
    ) -> Field | None:
        field = self._field(component, kind_name, kind_type, place, "path")
        self._correcting += 1
        if place.depth or self._correcting > 1:
            component.fault("补正事项应直接写在表单里，且只写一处", "移出分组，或删去多余的一处")
        items = None
        if "items" in component.properties:
            items = self._compiler.marked(component, "items", component.properties["items"])
        if field is None:
            return None
        assert isinstance(field.kind, Corrections)
        if field.kind.part == ASK and "items" in component.properties:
            component.fault("提出补正事项（ask）不写 items", "删去 items；逐项补正和审查时才写")
        elif field.kind.part in (ANSWER, JUDGE) and "items" not in component.properties:
            component.fault("没有写明要逐项补正或审查哪些事项（items）", '写成 "items": "=check.items"')
        return replace(field, items=items)

    def _columns(self, component: Component, place: _Place) -> tuple[Field, ...]:
        raw = component.raw.get("components")
        if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_COLUMNS:
            component.fault(f"表格应有 1 到 {MOST_COLUMNS} 列（components）", "在 components 里逐列写出字段")
            return ()
        columns: list[Field] = []
        outside, self._names = self._names, set()
        keys = (part.get("key") for part in raw if isinstance(part, dict))
        self._compiler.columns = frozenset(key for key in keys if isinstance(key, str))
        for at, part in enumerate(raw):
            column = self._column(part, component, f"{place.index}.components[{at}]")
            columns += [column] if column is not None else []
        self._names, self._compiler.columns = outside, frozenset()
        return tuple(columns)

    def _column(self, raw: object, table: Component, index: str) -> Field | None:
        if not isinstance(raw, dict):
            self.faults.append(Fault("组件应为对象", '写成 { "type": … }', element=index))
            return None
        key = raw.get("key")
        component = Component(raw, f"{table.place}.{key}" if isinstance(key, str) and key else index, self.faults)
        found = self._kind(component)
        if found is None:
            return None
        kind_name, kind = found
        if not issubclass(kind, Answered) or kind_name not in COLUMN_KINDS:
            component.fault(f"表格的列不能是“{kind_name}”", f"改用：{'、'.join(COLUMN_KINDS)}")
            return None
        self._attributes(component, kind_name, kind)
        for name, part in (("defaultValue", component.raw), ("prefill", component.properties)):
            if name in part:
                component.fault(f"表格的列不能写“{name}”", "在表格的 properties.prefill 里给出各行")
        if "beside" in component.properties:
            component.fault("表格的列不能写“beside”", "写在整张表的 properties.beside 里")
        return self._field(component, kind_name, kind, _Place(index, "", self._condition(component), 0))

    def _looks_at_the_table(self, column: Field, table: Field) -> None:
        """A rule of a column that reads all rows would read them once for each row."""
        said = column.refusal.expressions if column.refusal else ()
        for rule in (*column.hidden_when, *((column.refuse,) if column.refuse else ()), *said):
            paths = rule.expression.paths | rule.expression.loose
            if table.path[0] not in rule.columns and any(path[: len(table.path)] == table.path for path in paths):
                what = f"列的 {rule.attribute} 不能读整张表（{table.name}）"
                mend = "逐行的条件只看本行各列、表单其他字段和案件；查重写 unique，整表的条件写在表格的 refuse 里"
                self.faults.append(Fault(what, mend, element=column.place))

    @staticmethod
    def _named(component: Component, name: str, known: set[str], title: str) -> tuple[str, ...]:
        """A list of columns' keys in the properties of a table."""
        said = component.properties.get(name, [])
        if isinstance(said, list) and all(isinstance(key, str) and key in known for key in said):
            return tuple(dict.fromkeys(said))
        component.fault(
            f"“{name}”应列出表格的{title}", f'写成 "{name}": ["…"]，可用：{"、".join(sorted(known)) or "无"}'
        )
        return ()

    def _field(
        self, component: Component, kind_name: str, kind_type: type[Answered], place: _Place, named_by: str = "key"
    ) -> Field | None:
        name = self._name(component, named_by, place.prefix)
        label = self._wording(component, "dateLabel" if kind_type is Day and "label" not in component.raw else "label")
        if label is None and "label" not in component.raw:
            component.fault("没有标签（label）", '写上 "label": "…"，填写人按它作答')
        hint = self._wording(component, "description")
        kind = kind_type.of(component)
        prefill = None
        if "prefill" in component.properties and "prefill" in kind_type.PROPERTIES:
            prefill = self._compiler.marked(component, "prefill", component.properties["prefill"])
        refuse, refusal = self._rule(component, kind_type)
        options = None
        if "valuesExpression" in component.raw and "valuesExpression" in kind_type.ATTRIBUTES:
            options = self._compiler.marked(component, "valuesExpression", component.raw["valuesExpression"])
        default = self._default(component, kind)
        if name is None or label is None:
            return None
        return Field(
            component.place,
            place.hidden_when,
            name,
            kind_name,
            kind,
            label,
            hint,
            prefill,
            refuse,
            refusal,
            default,
            options,
            self._beside(component, kind_type),
        )

    def _beside(self, component: Component, kind_type: type[Answered]) -> tuple[Beside, ...]:
        """What is shown beside the field: by its label an expression over the case."""
        if "beside" not in component.properties or "beside" not in kind_type.PROPERTIES:
            return ()
        said = component.properties["beside"]
        if not isinstance(said, dict) or not 1 <= len(said) <= _MOST_BESIDE:
            component.fault(
                f"“beside”应写 1 到 {_MOST_BESIDE} 项：谁说的、说了什么",
                '写成 "beside": { "申请人主张": "=start.claimed_amount" }',
            )
            return ()
        found = []
        for label, text in said.items():
            words = component.words({"beside": label}, "beside", _LONGEST_BESIDE)
            written = self._compiler.marked(component, "beside", text)
            if words is not None and written is not None:
                found.append(Beside(self._compiler.wording(component, "beside", words), written))
        return tuple(found)

    def _rule(self, component: Component, kind_type: type[Answered]) -> tuple[Written | None, Wording | None]:
        """When an answer is refused although its kind accepts it, and what is said then."""
        said = {"refuse", "refusal"} & set(component.properties) & kind_type.PROPERTIES
        if not said:
            return None, None
        refusal = component.words(component.properties, "refusal")
        if len(said) == 1 or not refusal:
            component.fault("refuse 与 refusal 要一起写", '"refuse": "=amount = about.start.amount", "refusal": "…"')
            return None, None
        refuse = self._compiler.marked(component, "refuse", component.properties["refuse"])
        return refuse, self._compiler.wording(component, "refusal", refusal)

    def _wording(self, component: Component, attribute: str) -> Wording | None:
        text = component.words(component.raw, attribute, 1000 if attribute == "description" else 200)
        return None if text is None else self._compiler.wording(component, attribute, text)

    def _name(self, component: Component, attribute: str, prefix: str) -> str | None:
        key = component.raw.get(attribute)
        if not isinstance(key, str) or not _NAME.fullmatch(key) or not self._is_plain_name(key):
            component.fault(
                f"“{attribute}”缺失或不能作名称",
                "以字母或汉字开头，只用字母、汉字、数字和下划线，且不是 FEEL 的保留字",
            )
            return None
        if key in PROTECTED:
            component.fault(f"“{key}”是门户保留的名称", f"换一个 {attribute}")
            return None
        name = prefix + key
        if name in self._names:
            component.fault(f"“{attribute}”重复：{name}", f"每个字段写不同的 {attribute}")
            return None
        self._names.add(name)
        return name

    @staticmethod
    def _is_plain_name(key: str) -> bool:
        # Conditions and letters will call the answer by this name, so FEEL must read it as one.
        try:
            return set(feel.compile(key, {}).paths) == {(key,)}
        except FeelError:
            return False

    @staticmethod
    def _default(component: Component, kind: Answered) -> object:
        if "defaultValue" not in component.raw or "defaultValue" not in kind.ATTRIBUTES:
            return None
        try:
            return kind.read(component.raw["defaultValue"])
        except Refused as refusal:
            component.fault(f"defaultValue 有误：{refusal.error.alone().zh}", "改正默认值，或删去")
            return None

    def _order(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        by_name = {field.name: field for field in fields}
        hangs_on = {field.name: [driver.name for driver in drivers(field.hidden_when, fields)] for field in fields}
        try:
            return tuple(by_name[name] for name in TopologicalSorter(hangs_on).static_order())
        except CycleError as error:
            circle = list(dict.fromkeys(error.args[1]))
            self.faults.append(
                Fault(
                    f"显示条件互相依赖：{'、'.join(circle)}",
                    "改写 conditional.hide，使条件只看别的字段",
                    element=circle[0],
                )
            )
            return fields


def _row(component: dict[str, object]) -> str:
    """The row in which form-js lays a component out; empty when it says nothing of it."""
    layout = component.get("layout")
    row = layout.get("row") if isinstance(layout, dict) else None
    return row if isinstance(row, str) else ""


def _types() -> str:
    return "、".join(name for name, kind in KINDS.items() if kind.ON is None)
