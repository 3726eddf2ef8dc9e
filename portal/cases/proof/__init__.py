"""Proves that what the tables of a case hold is what its chained history vouches for."""

from portal.cases.proof.whole import altered

__all__ = ["altered"]
