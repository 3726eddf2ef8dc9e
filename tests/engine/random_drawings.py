"""Random drawings, block by block: each is sound, so that it can be played to its end in every order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random

from tests.builders.diagrams import (
    boundary,
    call,
    catch,
    diagram,
    each,
    end,
    flow,
    handler,
    message,
    one_of,
    parallel,
    rules,
    service,
    start,
    subprocess,
    timer,
    trigger,
    user,
    xor,
)


@dataclass
class Drawer:
    """Draws blocks with one way in and one way out; a block is (first id, last id), its parts go to `parts`."""

    random: Random
    called: list[str]
    calls: dict[str, str] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    def name(self, kind: str) -> str:
        return f"{kind}{next(self.numbers)}"

    def whole(self, depth: int) -> bytes:
        return diagram(*self.level(depth))

    def level(self, depth: int) -> list[str]:
        """A start, a row of blocks, an end (or two, or a terminating one), and perhaps handlers."""
        begin, parts = self.name("start"), []
        parts.append(start(begin))
        first, last = self.row(depth, parts)
        parts.append(flow(begin, first))
        self.finish(last, depth, parts)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            parts.append(self.handler(depth))
        return parts

    def finish(self, last: str, depth: int, parts: list[str]) -> None:
        if self.random.random() < 0.6 or depth < 1:
            parts += [end(done := self.name("end")), flow(last, done)]
            return
        fork, terminates = self.name("fork"), self.random.random() < 0.5
        parts += [parallel(fork), flow(last, fork)]
        for number in range(2):
            task, done = self.name("task"), self.name("end")
            stops = terminates and number == 0
            parts += [user(task), end(done, terminate=stops), flow(fork, task), flow(task, done)]

    def handler(self, depth: int) -> str:
        begin, done, parts = self.name("trigger"), self.name("end"), []
        interrupting = self.random.random() < 0.6
        waits = message(f"m{begin}") if interrupting and self.random.random() < 0.5 else timer(f"d{begin}")
        first, last = self.row(min(depth - 1, 1), parts)
        parts += [end(done), flow(begin, first), flow(last, done)]
        return handler(self.name("handler"), trigger(begin, waits, interrupting=interrupting), *parts)

    def row(self, depth: int, parts: list[str]) -> tuple[str, str]:
        blocks = [self.block(depth, parts) for _ in range(self.random.randint(1, 3))]
        for (_, last), (first, _) in pairwise(blocks):
            parts.append(flow(last, first))
        return blocks[0][0], blocks[-1][1]

    def block(self, depth: int, parts: list[str]) -> tuple[str, str]:
        small = [self.task, self.task, self.service, self.catch, self.guarded]
        large = [self.choice, self.both, self.loop, self.period, self.part, self.part, self.call, self.many, self.many]
        draw = self.random.choice(small if depth <= 0 else small + large + large)
        return draw(depth, parts)

    def task(self, depth: int, parts: list[str]) -> tuple[str, str]:
        parts.append(user(id := self.name("task")))
        return id, id

    def service(self, depth: int, parts: list[str]) -> tuple[str, str]:
        id = self.name("service")
        parts.append(self.random.choice([service, rules])(id))
        return id, id

    def catch(self, depth: int, parts: list[str]) -> tuple[str, str]:
        id = self.name("catch")
        parts.append(catch(id, self.random.choice([message(f"m{id}"), timer(f"d{id}")])))
        return id, id

    def call(self, depth: int, parts: list[str]) -> tuple[str, str]:
        if not self.called:
            return self.task(depth, parts)
        parts.append(call(id := self.name("call")))
        self.calls[id] = self.random.choice(self.called)
        return self.edged(id, parts)

    def guarded(self, depth: int, parts: list[str]) -> tuple[str, str]:
        parts.append(user(id := self.name("task")))
        return self.edged(id, parts)

    def part(self, depth: int, parts: list[str]) -> tuple[str, str]:
        parts.append(subprocess(id := self.name("part"), *self.level(depth - 1)))
        return self.edged(id, parts)

    def many(self, depth: int, parts: list[str]) -> tuple[str, str]:
        """A task, call or part that is done by many."""
        kind, id = self.random.choice(["task", "call", "part", "part"]), self.name("many")
        if kind == "call" and self.called:
            one = call(id)
            self.calls[id] = self.random.choice(self.called)
        else:
            one = subprocess(id, *self.level(depth - 1)) if kind == "part" else user(id)
        enough = f"=half {id}" if self.random.random() < 0.5 else ""
        parts.append(each(one, enough=enough, sequential=self.random.random() < 0.4))
        return self.edged(id, parts)

    def edged(self, id: str, parts: list[str]) -> tuple[str, str]:
        """An activity with up to two boundary events; interrupting ones meet it again behind."""
        merge = self.name("merge")
        parts += [xor(merge), flow(id, merge)]
        for _ in range(self.random.randint(0, 2)):
            edge, task = self.name("edge"), self.name("task")
            interrupting = self.random.random() < 0.6
            waits = message(f"m{edge}") if interrupting and self.random.random() < 0.5 else timer(f"d{edge}")
            parts += [boundary(edge, id, waits, interrupting=interrupting), user(task), flow(edge, task)]
            if interrupting:
                parts.append(flow(task, merge))
            else:
                parts += [end(done := self.name("end")), flow(task, done)]
        return id, merge

    def choice(self, depth: int, parts: list[str]) -> tuple[str, str]:
        gate, merge = self.name("choice"), self.name("merge")
        ways = [self.row(depth - 1, parts) for _ in range(self.random.randint(2, 3))]
        parts += [xor(gate, f"{gate}-{ways[-1][0]}"), xor(merge)]
        for first, last in ways:
            condition = None if first == ways[-1][0] else f"=half {first}"
            parts += [flow(gate, first, condition), flow(last, merge)]
        return gate, merge

    def both(self, depth: int, parts: list[str]) -> tuple[str, str]:
        fork, join = self.name("fork"), self.name("join")
        parts += [parallel(fork), parallel(join)]
        for _ in range(self.random.randint(2, 3)):
            first, last = self.row(depth - 1, parts)
            parts += [flow(fork, first), flow(last, join)]
        return fork, join

    def loop(self, depth: int, parts: list[str]) -> tuple[str, str]:
        enter, task, again, after = (self.name(kind) for kind in ("enter", "task", "again", "after"))
        first, last = self.row(depth - 1, parts)
        parts += [
            xor(enter),
            user(task),
            xor(again, f"{again}-{after}"),
            xor(after),
            flow(again, enter, f"=half {enter}"),
        ]
        parts += [flow(enter, task), flow(task, first), flow(last, again), flow(again, after)]
        return enter, after

    def period(self, depth: int, parts: list[str]) -> tuple[str, str]:
        gate, merge = self.name("period"), self.name("merge")
        parts += [one_of(gate), xor(merge)]
        for number in range(self.random.randint(2, 3)):
            event = self.name("event")
            first, last = self.row(depth - 1, parts)
            waits = timer(f"d{event}") if number == 0 else message(f"m{event}")
            parts += [catch(event, waits), flow(gate, event), flow(event, first), flow(last, merge)]
        return gate, merge


def random_drawings(seed: int) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
    """A diagram `main`, and what it calls."""
    random = Random(seed)
    inner, middle = Drawer(random, []), Drawer(random, ["inner"])
    main = Drawer(random, ["inner", "middle"])
    drawings = {"inner": inner.whole(1), "middle": middle.whole(1), "main": main.whole(random.randint(1, 3))}
    return drawings, {"inner": inner.calls, "middle": middle.calls, "main": main.calls}
