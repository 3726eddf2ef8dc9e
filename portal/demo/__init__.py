"""The demo: made-up people and units, and cases in every state, acted on the days before today."""

from portal.demo.people import accounts, present, table
from portal.demo.seeding import seed

__all__ = ["accounts", "present", "seed", "table"]
