"""Whether every name that a path uses means something: cases, procedures, tasks, roles, people, assets, registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from portal.cases.renewing import REPLACED
from portal.errors import Fault
from portal.procedures import Procedure, Published
from portal.procedures.spelling import meant
from portal.procedures.tables import Table
from portal.registers import Register
from portal.registers.rules import MEANWHILE, STATE
from portal.scenarios.demo import Demo
from portal.scenarios.path import EACH, Given, GivenRecords, Path, Step


def strange(opened: Published, given: Given, paths: Sequence[Path]) -> list[Fault]:
    """A fault for each name that means nothing, each moment before the one above it, and each path told twice."""
    faults = [*_people(opened, given), *_alike(paths)]
    for records in given.records:
        faults += _Names(opened, given).on_record(records)
    for name, beginning in given.beginnings.items():
        names = _Names(opened, given)
        names.begin(beginning.given, beginning.table)
        if name in given.chain(beginning.given):
            names.fault(beginning.table, "given", f"“{name}”又回到自己", "改正 given")
        names.walk(beginning.steps)
        faults += names.faults
    for path in paths:
        names = _Names(opened, given)
        names.begin(path.given, path.table)
        names.walk(path.steps)
        names.end(path)
        faults += names.faults
    return faults


def strange_in_demo(opened: Published, demo: Demo) -> list[Fault]:
    """The same for demo.toml, whose people all have accounts, with the roles in which they act."""
    faults = list(_people(opened, demo.given))
    for account in demo.accounts.values():
        names = _Names(opened, demo.given)
        offices = [name for name, role in opened.regulation.roles.items() if not role.applicant]
        for role in account.roles:
            names.known(account.table, "roles", role, offices, "工作人员的岗位")
        faults += names.faults
    for records in demo.given.records:
        faults += _Names(opened, demo.given).on_record(records)
    for steps in demo.stories.values():
        names = _Names(opened, demo.given)
        names.walk(steps)
        for step in steps:
            acting = [login for login, one in demo.accounts.items() if one.party or step.role in one.roles]
            if step.person:
                names.known(step.table, "as", step.person, acting, f"账号（岗位“{step.role}”）")
        faults += names.faults
    return faults


def _people(opened: Published, given: Given) -> Iterator[Fault]:
    """People whose organisations are where the regulation has no district."""
    districts = opened.regulation.districts
    for name, person in given.people.items():
        if districts and person.district and person.district not in districts:
            near = meant(person.district, districts)
            mend = f"{near}写 regulation.toml 的 districts 中的区县"
            what = f"“{person.district}”不是法规的区县"
            yield Fault(what, mend, f"people.{name}", person.table.line(name), person.table.file)


def unused(given: Given, paths: Iterable[Path]) -> Iterator[Fault]:
    """Beginnings that no path comes from: they are never acted, and what they expect is never compared."""
    used = {name for path in paths for name in given.chain(path.given)}
    for name, beginning in given.beginnings.items():
        if name not in used:
            table = beginning.steps[0].table if beginning.steps else beginning.table
            what, mend = f"没有路径以“{name}”开头，它不会被演练", f'在路径中写 given = "{name}"，或删去'
            yield Fault(what, mend, name, table.line("at"), table.file)


def _alike(paths: Iterable[Path]) -> Iterator[Fault]:
    """Paths that do and expect the same as one before."""
    seen: list[Path] = []
    for path in paths:
        same = next((one for one in seen if _acts(one) == _acts(path)), None)
        if same is not None:
            what = f"与路径 {same.file} 一样：步骤和结果都相同"
            yield Fault(what, "删去一条，或改成另一种情形", "step", path.table.line("step"), path.file)
        seen.append(path)


def _acts(path: Path) -> tuple[object, ...]:
    return path.given, path.renewals, path.steps, path.end


@dataclass
class _Names:
    """What is known by a point of a path: each bound case's procedure, and the time."""

    opened: Published
    given: Given
    bound: dict[str, str] = field(default_factory=dict)
    last: str | None = None
    now: datetime | None = None
    faults: list[Fault] = field(default_factory=list)

    def fault(self, table: Table, key: str, what: str, mend: str) -> None:
        """Notes a fault at a key."""
        self.faults.append(Fault(what, mend, key, table.line(key), table.file))

    def known(self, table: Table, key: str, name: str, names: Iterable[str], what: str) -> bool:
        """Whether a name is one of those that mean something here."""
        names = sorted(set(names))
        if name not in names:
            self.fault(table, key, f"没有名为“{name}”的{what}", f"可用：{'、'.join(names) or '无'}")
        return name in names

    # Beginnings and steps

    def begin(self, given: str | None, table: Table) -> None:
        """Walks what comes before; faults in it are told where it stands, once."""
        if given is not None and self.known(table, "given", given, self.given.beginnings, "开头"):
            before = _Names(self.opened, self.given)
            for name in self.given.chain(given):
                before.walk(self.given.beginnings[name].steps)
            self.bound, self.last, self.now = before.bound, before.last, before.now

    def walk(self, steps: Iterable[Step]) -> None:
        """Judges steps in their order."""
        for step in steps:
            if self.now is not None and step.at < self.now:
                self.fault(step.table, "at", f"时刻早于上一步（{self.now:%Y-%m-%dT%H:%M:%S}）", "按先后写各步")
            self.now = step.at
            self._person(step)
            self._verb(step)
            self._expect(step)

    def _person(self, step: Step) -> None:
        if not step.person:
            return
        roles = self.opened.regulation.roles
        if self.known(step.table, "as", step.role, roles, "岗位") and roles[step.role].applicant:
            self.known(step.table, "as", step.person, self.given.people, "人物（given.toml 的 [people]）")

    def _verb(self, step: Step) -> None:
        about = self._case(step, "about", step.about) if step.about is not None else None
        here = self._case(step, step.verb if step.seen == step.what else "case", step.seen)
        if step.verb == "file" and self.known(step.table, "file", step.what, self.opened.procedures, "事项"):
            procedure = self.opened.procedures[step.what]
            rule = procedure.manifest.about
            if about is not None and (rule is None or rule.procedure != about.slug):
                self.fault(step.table, "about", f"“{step.what}”不是针对“{about.slug}”提出的", "改正 about 或 file")
            if "refused" not in step.expect:
                self.last = step.what
                if step.bind:
                    self.bound[step.bind] = step.what
        elif here is not None:
            self._within(step, here)
        self._starts(step)

    def _within(self, step: Step, here: Procedure) -> None:
        """What a verb names of the case's procedure."""
        if step.verb == "task":
            self.known(step.table, "task", step.what, _tasks(here), f"环节（“{here.slug}”的用户任务）")
        elif step.verb == "message":
            self.known(step.table, "message", step.what, _messages(here), f"消息（“{here.slug}”）")
        elif step.deadline is not None:
            self.known(step.table, "deadline", step.deadline, here.manifest.deadlines, f"期限（“{here.slug}”）")
        elif step.document is not None:
            self.known(step.table, "document", step.document, here.manifest.documents, f"文书（“{here.slug}”）")
        elif step.party is not None:
            self._unit(step.table, "party", step.party)

    def _starts(self, step: Step) -> None:
        for name, started in step.starts.items():
            place = f"starts.{name}"
            if not self.known(step.table, place, started.procedure, self.opened.procedures, "事项"):
                continue
            if started.party is not None:
                self._unit(step.table, place, started.party)
            self.bound[f"{name}/{EACH}" if started.each else name] = started.procedure

    def _case(self, step: Step, key: str, name: str | None) -> Procedure | None:
        """The procedure of a named case, or of the case bound last."""
        if name is not None and not self._bound(step.table, key, name, many=step.verb == "serve"):
            return None
        slug = self._slug(name) if name is not None else self.last
        return self.opened.procedures.get(slug or "")

    def _bound(self, table: Table, key: str, name: str, *, many: bool = False) -> bool:
        if name.endswith(f"/{EACH}") and not many:
            self.fault(table, key, f"“{name}”不止一件案件", "写出是哪一件")
            return False
        if self._slug(name) is None:
            known = "、".join(sorted(self.bound)) or "无"
            self.fault(table, key, f"没有名为“{name}”的案件", f"先用 bind 或 starts 命名；此处可用：{known}")
            return False
        return True

    def _slug(self, name: str) -> str | None:
        """The procedure of a bound case; `notice/王` is one of `notice/*`."""
        prefix, slash, person = name.rpartition("/")
        known = person == EACH or person in self.given.people
        return self.bound.get(name) or (self.bound.get(f"{prefix}/{EACH}") if slash and known else None)

    def _unit(self, table: Table, key: str, name: str) -> None:
        if self.given.unit(name) is None:
            mend = "写 given.toml 的 [people] 中的姓名、单位名称，或统一社会信用代码"
            self.fault(table, key, f"没有名为“{name}”的单位", mend)

    # Expectations

    def _expect(self, step: Step) -> None:
        expect = step.expect
        self._outcomes(step.table, "expect.outcomes", expect.get("outcomes", {}))
        for name in expect.get("failed", {}):
            self._unit(step.table, f"expect.failed.{name}", name)
        self._records(step.table, "expect.records", expect.get("records", ()))
        slug = self._slug(step.seen) if step.seen is not None else self.last
        here = self.opened.procedures.get(slug or "")
        if here is None:
            return
        for name in expect.get("tasks", ()):
            self.known(step.table, "expect.tasks", name, _tasks(here), f"环节（“{here.slug}”的用户任务）")
        for name in expect.get("desk", ()):
            self.known(step.table, "expect.desk", name, self.opened.regulation.roles, "岗位")
        for name in expect.get("facts", {}):
            self.known(step.table, f"expect.facts.{name}", name, here.manifest.facts, f"事实（“{here.slug}”）")
        for name in expect.get("letters", {}):
            self.known(step.table, f"expect.letters.{name}", name, here.manifest.documents, f"文书（“{here.slug}”）")
        for name in expect.get("deadlines", {}):
            self.known(step.table, f"expect.deadlines.{name}", name, here.manifest.deadlines, f"期限（“{here.slug}”）")

    def _outcomes(self, table: Table, key: str, outcomes: Mapping[str, str]) -> None:
        for name, outcome in outcomes.items():
            place = f"{key}.{name}"
            if self._bound(table, place, name, many=True):
                slug = self._slug(name) or ""
                self.known(table, place, outcome, self._results(slug), f"结果（“{slug}”）")

    def _results(self, slug: str) -> Iterator[str]:
        """Every outcome that a case of a procedure can have: its ends, and what others turn an ended one into."""
        for end in self.opened.procedures[slug].drawing.of_kind("endEvent"):
            yield end.name
        for procedure in self.opened.procedures.values():
            if procedure.manifest.about is not None and procedure.manifest.about.procedure == slug:
                yield from (
                    end.replaced_as or end.name for end in procedure.drawing.of_kind("endEvent") if end.replaces
                )
        if self.opened.procedures[slug].manifest.desks:
            yield REPLACED

    def _records(self, table: Table, key: str, records: Iterable[Mapping[str, object]]) -> None:
        for record in records:
            register = self._register(table, key, str(record.get("register")))
            if register is None:
                continue
            standing = record.get(MEANWHILE, {})
            asked = [name for name in record if name not in ("register", MEANWHILE)]
            self._fields(table, key, register, [*asked, *(standing if isinstance(standing, Mapping) else ())])
            for name in register.key:
                if name not in record:
                    self.fault(table, key, f"没有写明“{name}”，不知道是哪条记录", f"写出 {'、'.join(register.key)}")

    def _register(self, table: Table, key: str, name: str) -> Register | None:
        registers = self.opened.regulation.registers
        return registers[name] if self.known(table, key, name, registers, "名册") else None

    def _fields(self, table: Table, key: str, register: Register, names: Iterable[str]) -> None:
        for name in names:
            self.known(table, key, name, (*register.fields, STATE), f"字段（名册“{register.name}”）")

    def on_record(self, records: GivenRecords) -> list[Fault]:
        """What is on record before any path begins."""
        register = self._register(records.table, "register", records.register)
        if register is not None:
            self._fields(records.table, "fields", register, {name for row in records.rows for name in row})
            if records.state is not None:
                self.known(records.table, "state", records.state, register.states, f"状态（名册“{register.name}”）")
        return self.faults

    # The end

    def end(self, path: Path) -> None:
        """Judges what is to be the case when the path is over."""
        end, table = path.end, path.end.table
        self._outcomes(table, "outcomes", end.outcomes)
        for name, documents in end.documents.items():
            place = f"documents.{name}"
            if not self._bound(table, place, name):
                continue
            slug = self._slug(name) or ""
            for document in documents:
                known = self.opened.procedures[slug].manifest.documents
                self.known(table, place, document, known, f"文书（“{slug}”）")
        for entry in end.entries:
            self._unit(table, "entries", entry["account"])
            self.known(table, "entries", entry["asset"], self.opened.regulation.assets, "资产")
        for asset, balances in end.balances.items():
            self.known(table, f"balances.{asset}", asset, self.opened.regulation.assets, "资产")
            for unit in balances:
                self._unit(table, f"balances.{asset}.{unit}", unit)
        for asset in end.totals:
            self.known(table, f"totals.{asset}", asset, self.opened.regulation.assets, "资产")
        self._records(table, "records", end.records)


def _tasks(procedure: Procedure) -> Iterator[str]:
    return (element.id for _, element in procedure.elements() if element.kind == "userTask")


def _messages(procedure: Procedure) -> Iterator[str]:
    return (element.message.name for _, element in procedure.elements() if element.message)
