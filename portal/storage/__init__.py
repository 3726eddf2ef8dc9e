"""Files as objects: uploads and letters, under random keys, in S3 or in memory."""

from portal.storage.memory import MemoryStore
from portal.storage.port import (
    Kept,
    ObjectAltered,
    ObjectExists,
    ObjectMissing,
    ObjectStore,
    Stored,
    StoreUnavailable,
    new_key,
)
from portal.storage.s3 import S3Store
from portal.storage.scanning import Clamd, Scanner, ScannerAway
from portal.storage.whole import whole

__all__ = [
    "Clamd",
    "Kept",
    "MemoryStore",
    "ObjectAltered",
    "ObjectExists",
    "ObjectMissing",
    "ObjectStore",
    "S3Store",
    "Scanner",
    "ScannerAway",
    "StoreUnavailable",
    "Stored",
    "new_key",
    "whole",
]
