"""Decision tables and expressions of .dmn files: read, looked over, made."""

from portal.feel.dmn.cells import listed
from portal.feel.dmn.decisions import Decisions, UnknownDecision
from portal.feel.dmn.drawn import MOST_RULES
from portal.feel.dmn.evaluating import Matched, Outcome, RulesDisagree
from portal.feel.dmn.findings import Finding
from portal.feel.dmn.model import SINGLE, Decision, Table, Text, texts
from portal.feel.dmn.reading import read

__all__ = [
    "MOST_RULES",
    "SINGLE",
    "Decision",
    "Decisions",
    "Finding",
    "Matched",
    "Outcome",
    "RulesDisagree",
    "Table",
    "Text",
    "UnknownDecision",
    "listed",
    "read",
    "texts",
]
