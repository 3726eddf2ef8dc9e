"""The demo: made-up people and units, and cases in every state, acted on the days before today."""

from portal.demo.people import accounts, table
from portal.demo.seeding import seed

__all__ = ["accounts", "seed", "table"]
