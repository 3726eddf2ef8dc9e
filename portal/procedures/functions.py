"""The functions that expressions of every procedure may call beside FEEL's own."""

from __future__ import annotations

from portal.feel import Signature

# `visits(x)` takes the name of an element: how often it was entered.
# `in_force("procedure", [part, …])`: whether a case holds what that procedure's `once_per` names.
# `record("register", [key, …])`: the fields and the state of what is on record, null when nothing is.
# `registered(code)`: name, code and district of the organisation registered here under a code, else null.
FUNCTIONS = {
    "visits": Signature(1, by_name=True),
    "in_force": Signature(2),
    "record": Signature(2),
    "registered": Signature(1),
}
