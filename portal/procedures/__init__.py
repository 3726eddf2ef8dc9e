"""Procedures: what analysts write, read, checked and published as releases."""

from portal.procedures.content import Content, from_folder
from portal.procedures.procedure import Procedure
from portal.procedures.releases import Published, Releases, UnknownProcedure, publish

__all__ = ["Content", "Procedure", "Published", "Releases", "UnknownProcedure", "from_folder", "publish"]
