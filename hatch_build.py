"""The build hook: it builds stylesheets and scripts first, by the same code as a checkout does."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _assets(root: Path) -> ModuleType:
    """portal/web/assets.py by itself: the portal's dependencies are not installed yet."""
    spec = importlib.util.spec_from_file_location("portal_assets", root / "portal/web/assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the files of the current build, and none of earlier ones, into what is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build. PORTAL_SYSTEM_NODE=1: with the machine's Node. PORTAL_SKIP_ASSETS=1: not at all."""
        if os.environ.get("PORTAL_SKIP_ASSETS") == "1":
            return
        root = Path(self.root)
        system_node = os.environ.get("PORTAL_SYSTEM_NODE") == "1"
        files = _assets(root).build(root, self.app.display_info, system_node=system_node)
        build_data["artifacts"] += ["/" + file.relative_to(root).as_posix() for file in files]
