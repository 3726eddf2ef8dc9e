"""The database: its tables' base, its one transaction, its schema's migrations and its embedded server."""

from portal.db.base import Base, Id
from portal.db.database import Database, DatabaseBusy, DatabaseUnreachable

__all__ = ["Base", "Database", "DatabaseBusy", "DatabaseUnreachable", "Id"]
