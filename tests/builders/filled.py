"""Valid answers to any form, by chance: whatever its fields ask for, with tables, corrections and files among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from portal.forms import Field, Form, uscc
from portal.forms.answers import Choices, Option
from portal.forms.expressions import Names
from portal.forms.form import Laid
from portal.forms.personal import check_character

ROUNDS = 15
"""How often answers that were refused are chosen anew."""
Answers = dict[str, Any]


@dataclass(frozen=True)
class Filler:
    """Somebody who fills in forms as chance has it, on a day: he knows parties by their codes, and numbers on record.

    `upload` takes a file's name and gives its answer.
    """

    dice: Random
    today: date
    parties: Mapping[str, str]
    numbers: Sequence[str]
    upload: Callable[[str], str]

    def fill(self, form: Form, names: Names) -> Answers | None:
        """Answers that the form accepts; None when chance finds none."""
        begun = _flat(form, form.prefill(names))
        parties = [Option(code, name) for code, name in self.parties.items()]
        every = [(field.name, field) for field in form.fields]
        every += [(f"{field.name}.{one.name}", one) for field in form.fields for one in field.columns]
        known = {name: parties for name, one in every if one.kind_name == "party"}
        answers: Answers = {}
        decided: set[str] = set()
        for _ in range(ROUNDS):
            self._decide(form, names, known, answers, decided, begun)
            faulty = form.check(answers, names, known).errors
            if not faulty:
                return answers
            again = [field.name for field in form.fields if any(_concerns(key, field.name) for key in faulty)]
            # What one answer says wrongly may be put right by another.
            if not again or self.dice.random() < 0.3:
                again = [*decided]
            for name in again:
                decided.discard(name)
                answers.pop(name, None)
            begun = {name: value for name, value in begun.items() if name not in again}
        return None

    def _decide(
        self, form: Form, names: Names, known: Choices, answers: Answers, decided: set[str], begun: Answers
    ) -> None:
        """Answers what is in view, and what that brings into view."""
        while True:
            laid = form.laid(answers, names, known)
            new = [field for field in laid.visible if field.name not in decided]
            if not new:
                return
            for field in new:
                decided.add(field.name)
                if field.name in begun and self.dice.random() < 0.9:
                    answers[field.name] = begun[field.name]
                elif field.kind.required or self.dice.random() < 0.6:
                    answers[field.name] = self._answer(field, laid)

    def _answer(self, field: Field, laid: Laid) -> object:
        return getattr(self, f"_{field.kind_name}")(field, laid.choices.get(field.name), laid)

    def _textfield(self, field: Field, *_: object) -> str:
        kind: Any = field.kind
        if getattr(kind, "example", None):
            return str(kind.example)
        if self.numbers and field.path[-1] == "number" and self.dice.random() < 0.7:
            return self.dice.choice(self.numbers)
        text = f"说明{self.dice.randrange(1000)}"
        return text.ljust(getattr(kind, "shortest", None) or 0, "。")[: getattr(kind, "longest", 200)]

    _textarea = _textfield

    def _number(self, field: Field, *_: object) -> str:
        kind: Any = field.kind
        least = kind.least if kind.least is not None else Decimal(0)
        most = kind.most if kind.most is not None else least + 2_000_000
        return str(self.dice.randint(int(least), max(int(most), int(least))))

    _amount = _number

    def _year(self, field: Field, *_: object) -> str:
        kind: Any = field.kind
        return str(min(max(self.today.year - self.dice.randrange(3), int(kind.least)), int(kind.most)))

    def _datetime(self, *_: object) -> str:
        return (self.today + timedelta(days=self.dice.randint(-20, 20))).isoformat()

    def _radio(self, field: Field, choices: Sequence[Option] | None, *_: object) -> str:
        options = field.kind.options_of(choices)
        if not options:
            return ""
        # What stands first brings a case on, more often than not: so it gets somewhere.
        return options[0].value if self.dice.random() < 0.6 else self.dice.choice(options).value

    _select = _radio

    def _checklist(self, field: Field, choices: Sequence[Option] | None, *_: object) -> list[str]:
        options = [option.value for option in field.kind.options_of(choices)]
        return self.dice.sample(options, self.dice.randint(min(1, len(options)), len(options)))

    def _checkbox(self, field: Field, *_: object) -> bool:
        return field.kind.required or self.dice.random() < 0.5

    def _party(self, field: Field, choices: Sequence[Option] | None, *_: object) -> str:
        return self.dice.choice([*self.parties])

    def _uscc(self, *_: object) -> str:
        known = [code for code in self.parties if len(code) == uscc.LENGTH]
        if known and self.dice.random() < 0.5:
            return self.dice.choice(known)
        first = f"91500101MA6TR{self.dice.randrange(10**4):04}"
        return first + uscc.check_digit(first)

    def _identity(self, *_: object) -> str:
        digits = f"33040119900307{self.dice.randrange(1000):03}"
        return digits + check_character(digits)

    def _filepicker(self, field: Field, *_: object) -> list[str]:
        kind: Any = field.kind
        ending = self.dice.choice(kind.accept or (".pdf",))
        count = self.dice.randint(1, min(kind.most, 2))
        return [self.upload(f"{field.path[-1]}{self.dice.randrange(40)}{ending}") for _ in range(count)]

    def _table(self, field: Field, _choices: object, laid: Laid) -> list[Answers]:
        rows = self.dice.randint(1, min(3, field.kind.most))  # type: ignore[attr-defined] # a Table
        return [self._row(field, laid) for _ in range(rows)]

    def _row(self, table: Field, laid: Laid) -> Answers:
        asked = [one for one in table.columns if one.kind.required or self.dice.random() < 0.6] or [table.columns[0]]
        return {
            one.name: getattr(self, f"_{one.kind_name}")(one, laid.choices.get(f"{table.name}.{one.name}"), laid)
            for one in asked
        }


def _concerns(key: str, name: str) -> bool:
    """Whether a fault at a key (a field, a cell, an item) has to do with a field."""
    return key == name or key.startswith(f"{name}.") or name.startswith(f"{key}.")


def _flat(form: Form, values: Mapping[str, object]) -> Answers:
    """What a form begins with, by field name."""
    found: Answers = {}
    for field in form.fields:
        value: object = values
        for part in field.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            found[field.name] = value
    return found
