"""What is on record: registers whose records are changed only by new entries."""

from portal.registers.models import Record, RecordEntry
from portal.registers.publication import Publication, hidden_since, publication
from portal.registers.queries import entries_of_case, of_case
from portal.registers.rules import Meanwhile, RecordExists, RecordMissing, Register, WrongField
from portal.registers.service import Cause, Written, current, entries, find, get, of_unit, record, siblings, update

__all__ = [
    "Cause",
    "Meanwhile",
    "Publication",
    "Record",
    "RecordEntry",
    "RecordExists",
    "RecordMissing",
    "Register",
    "Written",
    "WrongField",
    "current",
    "entries",
    "entries_of_case",
    "find",
    "get",
    "hidden_since",
    "of_case",
    "of_unit",
    "publication",
    "record",
    "siblings",
    "update",
]
