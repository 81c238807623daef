"""What the tests of the house look at: the repository's files and the package's modules."""

from __future__ import annotations

import pkgutil
import subprocess
from pathlib import Path

import veriscope

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def repository_files() -> list[Path]:
    """Files that are, or are about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def public_modules() -> list[str]:
    """Dotted names of all modules without a leading underscore in any part."""
    found = pkgutil.walk_packages(veriscope.__path__, "veriscope.")
    names = ["veriscope", *(module.name for module in found)]
    return sorted(name for name in names if not any(part.startswith("_") for part in name.split(".")))
