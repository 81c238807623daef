"""Build the wheel and try it where nothing but the base is installed: `python3 scripts/check_wheel.py`.

Shows that a user who types `pip install veriscope` gets a package that imports, runs, carries its data
files, and pulls neither torch nor CUDA nor the tools of developers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import bootstrap

CODE = {".py", ".pyc"}
FORBIDDEN = ("torch", "pytest", "mypy", "matplotlib", "numba")
PROBE = f"""
import sys, time
start = time.process_time()
import veriscope
seconds = time.process_time() - start
found = sorted(name for name in {FORBIDDEN!r} if __import__("importlib.util").util.find_spec(name))
assert not found, f"the base brings packages that it must not: {{found}}"
assert "site-packages" in veriscope.__file__, veriscope.__file__
for name in getattr(veriscope, "__all__", ()):
    getattr(veriscope, name)
late = sorted(name for name in {FORBIDDEN!r} if name in sys.modules)
assert not late, late
print(f"veriscope {{veriscope.__version__}}: import took {{seconds:.3f}} s CPU, every public name resolves")
"""


def main() -> int:
    """Build, install, try; give back the exit code."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="veriscope-wheel-") as folder:
        try:
            check(Path(folder))
        except bootstrap.BootstrapError as error:
            print(f"check_wheel: {error}", file=sys.stderr)
            return 1
    print(f"The wheel works with the base alone ({time.monotonic() - start:.0f} s).")
    return 0


def check(folder: Path) -> None:
    """Do the work in a temporary folder."""
    venv = folder / "venv"
    bootstrap.make_venv(venv)
    python = str(bootstrap.venv_python(venv))
    run = bootstrap.step
    run("pip and uv", [*bootstrap.pip(venv), "install", "--upgrade", "pip", "uv"], venv)
    uv, env = str(bootstrap.uv_path(venv)), bootstrap.uv_environment(venv)
    run(
        "wheel",
        [uv, "build", "--wheel", "--python", python, "-o", str(folder), str(bootstrap.ROOT)],
        venv,
        env=env,
    )
    (wheel,) = folder.glob("*.whl")
    run("install the wheel", [uv, "pip", "install", "--python", python, str(wheel)], venv, env=env)
    check_data_files(venv)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    for command in (
        [python, "-c", PROBE],
        [str(bootstrap.venv_python(venv).with_name("veriscope")), "--help"],
    ):
        done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
        if done.returncode:
            raise bootstrap.BootstrapError(
                f"in an environment with the base alone, `{Path(command[0]).name} {command[1]}` failed:\n"
                f"{done.stdout}{done.stderr}"
            )
        print(done.stdout.splitlines()[0] if "-c" in command else "veriscope --help runs")
    cuda = sorted(name for name in bootstrap.distributions(venv) if name.startswith("nvidia-"))
    if cuda:
        raise bootstrap.BootstrapError(f"the base brings CUDA packages: {', '.join(cuda)}")
    report_size(venv, len(bootstrap.distributions(venv)))


def check_data_files(venv: Path) -> None:
    """Refuse a wheel that leaves templates, style sheets or weights behind."""
    source = bootstrap.ROOT / "src"
    data = [
        path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix not in CODE
    ]
    (installed,) = venv.rglob("site-packages/veriscope")
    missing = [str(path) for path in data if not (installed.parent / path).exists()]
    if missing:
        raise bootstrap.BootstrapError(f"the wheel lacks {', '.join(missing)}")
    print(f"{len(data)} data files are in the wheel")


def report_size(venv: Path, n_packages: int) -> None:
    """Print what the base weighs."""
    size = sum(path.stat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
    declared = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(f"{len(declared['dependencies'])} dependencies, {n_packages} packages, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
