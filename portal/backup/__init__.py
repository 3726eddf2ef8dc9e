"""Everything of one moment, rows and objects, taken out while the portal runs, and put back into an empty place."""

from portal.backup.manifest import Manifest
from portal.backup.restoring import checked, restore
from portal.backup.taking import snapshot, take

__all__ = ["Manifest", "checked", "restore", "snapshot", "take"]
