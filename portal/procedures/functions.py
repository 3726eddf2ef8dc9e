"""The functions that expressions of every procedure may call beside FEEL's own."""

from __future__ import annotations

from portal.feel import Signature

# `visits(x)` takes the name of an element: how often it was entered.
# `in_force("procedure", [part, …])`: whether a case holds what that procedure's `once_per` names.
# `in_force_on(day)`: whether the regulation is in force on a day, by its own text or by what has renewed it.
# `objections("publicity")`: the outcomes of the objections that came during it, null of one that is looked into.
# `earlier_objections("publicity")`: the same of those that came while it was shown before.
# `record("register", [key, …])`: the fields and the state of what is on record, null when nothing is.
# `handed_in_before(files)`: the numbers of the cases in which a file of the same content was handed in.
# `file_hash(files)`: the SHA-256 of the one file that a field was answered with, null when it is not one.
# `seated(draw, seat)`: who sits in a seat of a committee now: the fields of his record, null for an empty seat.
# `registered(code)`: name, code and district of the organisation registered here under a code, else null.
# `working days(from, n)`: the n-th working day after a day; before it where n is negative; the day itself for 0.
FUNCTIONS = {
    "visits": Signature(1, by_name=True),
    "in_force": Signature(2),
    "in_force_on": Signature(1),
    "handed_in_before": Signature(1),
    "file_hash": Signature(1),
    "objections": Signature(1),
    "earlier_objections": Signature(1),
    "seated": Signature(2),
    "record": Signature(2),
    "registered": Signature(1),
    "working days": Signature(2),
}
