"""The expression language: a subset of FEEL over plain data, compiled once and evaluated within a budget."""

from portal.feel.budget import Budget
from portal.feel.errors import FeelError, FeelLimit, FeelScope, FeelTooLarge, Position
from portal.feel.expression import Expression, Signature, compile, condition
from portal.feel.names import Call
from portal.feel.values import Months, Range, Value
from portal.feel.walker import Scope

__all__ = [
    "Budget",
    "Call",
    "Expression",
    "FeelError",
    "FeelLimit",
    "FeelScope",
    "FeelTooLarge",
    "Months",
    "Position",
    "Range",
    "Scope",
    "Signature",
    "Value",
    "compile",
    "condition",
]
