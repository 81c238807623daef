"""Make the environment that Veriscope runs in: `python3 scripts/bootstrap.py`.

Needs nothing but Python 3.11 or newer and its standard library. The environment lies in `.venv` in
the repository, or where `VERISCOPE_VENV` says. A second call does nothing unless `pyproject.toml`
changed or more extras are asked for.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = (3, 11)
NEEDED_BYTES = {"base": 1_500_000_000, "train": 3_000_000_000}
LOCAL_TORCH = "torch==2.13.0"
ANY_TORCH = "torch>=2.6"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
HEARTBEAT_SECONDS = 10

# What pip is told by its configuration, and the variable by which uv is told the same.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "constraint": "UV_CONSTRAINT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
}

# Words in the output of pip or uv, and what they mean for the person who waits.
CAUSES = (
    (("No space left on device", "os error 28"), "the disk is full; free some space and run this again"),
    (
        ("CERTIFICATE_VERIFY_FAILED", "invalid peer certificate", "UnknownIssuer"),
        "a certificate is not trusted; behind a company proxy, set PIP_CERT and SSL_CERT_FILE to its file",
    ),
    (
        (
            "NameResolution",
            "Temporary failure in name resolution",
            "dns error",
            "Connection refused",
            "Network is unreachable",
            "tunnel error",
            "ConnectTimeout",
            "operation timed out",
            "Failed to establish a new connection",
        ),
        "the package index cannot be reached; check the network, or set PIP_INDEX_URL to a mirror",
    ),
    (("Permission denied", "os error 13"), "a file or folder may not be written; check who owns it"),
    (("ensurepip",), "this Python has no ensurepip; on Debian or Ubuntu: apt-get install python3-venv"),
)


class BootstrapError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def say(text: str) -> None:
    """Tell the person what happens, at once."""
    print(text, flush=True)


def main() -> int:
    """Make the environment and give back the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        return run_with_newer_python()
    parser = argparse.ArgumentParser(description="Make the environment that Veriscope runs in.")
    parser.add_argument(
        "--extras", default="", metavar="LIST", help="extras besides the base: dev, docs (comma-separated)"
    )
    parser.add_argument(
        "--train", action="store_true", help="also install what training networks needs (torch)"
    )
    options = parser.parse_args()
    extras = {name.strip() for name in options.extras.split(",") if name.strip()}
    if options.train:
        extras.add("train")
    venv = Path(os.environ.get("VERISCOPE_VENV") or ROOT / ".venv").absolute()
    try:
        bootstrap(venv, extras)
    except BootstrapError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"bootstrap: {error}; {cause_of(str(error)) or 'see above'}", file=sys.stderr)
        return 1
    return 0


def run_with_newer_python() -> int:
    """Start again with the newest Python on the path that is new enough, or say that there is none."""
    for minor in (13, 12, 11, 14):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            return subprocess.call([newer, *sys.argv])
    have = ".".join(str(part) for part in sys.version_info[:3])
    print(
        f"bootstrap: Python {have} is too old; Veriscope needs 3.11 or newer. Install one, then run "
        "`python3.12 scripts/bootstrap.py`, or `make PYTHON=python3.12 …`",
        file=sys.stderr,
    )
    return 1


def bootstrap(venv: Path, extras: set[str]) -> None:
    """Bring an environment up to date, doing only what is missing."""
    done = read_stamp(venv)
    if done is not None and extras <= done:
        say(f"Environment {venv} is up to date.")
        return
    check_extras(extras)
    extras = extras | load_stamp(venv)[1]  # what was asked for earlier is kept
    check_disk(venv, extras)
    start = time.monotonic()
    say(f"Making the environment {venv} (extras: {', '.join(sorted(extras)) or 'none'})")
    if not (venv_python(venv).exists() and (venv / "pyvenv.cfg").exists()):
        make_venv(venv)
    if not uv_path(venv).exists():
        step("pip and uv", [*pip(venv), "install", "--upgrade", "pip", "uv"], venv)
    if "train" in extras:
        install_torch(venv)
    install_package(venv, extras)
    write_stamp(venv, extras)
    say(f"Environment ready after {time.monotonic() - start:.0f} s.")


def venv_python(venv: Path) -> Path:
    """Path of an environment's interpreter."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip(venv: Path) -> list[str]:
    """Command line of an environment's pip."""
    return [str(venv_python(venv)), "-m", "pip"]


def uv_path(venv: Path) -> Path:
    """Path of an environment's uv."""
    return venv_python(venv).with_name("uv.exe" if os.name == "nt" else "uv")


def check_extras(extras: set[str]) -> None:
    """Refuse extras that the package does not have; pip and uv would only warn."""
    import tomllib  # new in Python 3.11, so not before the version was checked

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    unknown = sorted(extras - set(project["optional-dependencies"]))
    if unknown:
        allowed = ", ".join(sorted(project["optional-dependencies"]))
        raise BootstrapError(f"no extra named {', '.join(unknown)}; extras are: {allowed}")


def check_disk(venv: Path, extras: set[str]) -> None:
    """Refuse to start where the environment cannot fit."""
    parent = next(folder for folder in [venv, *venv.parents] if folder.exists())
    needed = NEEDED_BYTES["train" if "train" in extras else "base"]
    free = shutil.disk_usage(parent).free
    if free < needed and not venv_python(venv).exists():
        raise BootstrapError(
            f"only {free / 1e9:.1f} GB are free at {parent} and {needed / 1e9:.1f} GB are needed; "
            "free some space, or set VERISCOPE_VENV to a folder on another disk"
        )


def make_venv(venv: Path) -> None:
    """Create an empty environment; a broken one is made anew, another folder is left alone."""
    if venv.exists() and any(venv.iterdir()):
        if not (venv / "pyvenv.cfg").exists():
            raise BootstrapError(
                f"{venv} exists and is no Python environment; set VERISCOPE_VENV to another path"
            )
        shutil.rmtree(venv)
    log = venv.parent / f"{venv.name}-bootstrap.log"
    try:
        step("virtual environment", [sys.executable, "-m", "venv", str(venv)], venv, log=log)
    finally:
        log.unlink(missing_ok=True)


def install_torch(venv: Path) -> None:
    """Install the CPU build of torch: a local wheel, else the CPU index on Linux, else the usual index.

    The usual index would bring gigabytes of CUDA libraries on Linux. A torch that is there already,
    perhaps with CUDA on purpose, is kept.
    """
    if "torch" in distributions(venv):
        return
    attempts = [["--no-index", "--no-deps", LOCAL_TORCH]]
    attempts.append([ANY_TORCH, "--index-url", TORCH_CPU_INDEX] if sys.platform == "linux" else [ANY_TORCH])
    for attempt in attempts[:-1]:
        command = [*pip(venv), "install", *attempt]
        say("  torch: looking for a local wheel")
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            break
    else:
        step("torch", [*pip(venv), "install", *attempts[-1]], venv)
    check_no_cuda(venv)


def check_no_cuda(venv: Path) -> None:
    """Refuse an environment into which CUDA packages came along."""
    cuda = sorted(name for name in distributions(venv) if name.startswith("nvidia-"))
    if cuda:
        raise BootstrapError(
            f"torch brought {len(cuda)} CUDA packages ({', '.join(cuda[:3])}, …); delete {venv} and run this "
            f"again with a wheel of {LOCAL_TORCH} for the CPU in PIP_FIND_LINKS"
        )


def distributions(venv: Path) -> set[str]:
    """Names of the packages in an environment, in lower case."""
    code = "import importlib.metadata as m; print(*{(d.name or '').lower() for d in m.distributions()})"
    found = subprocess.run([str(venv_python(venv)), "-c", code], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


def install_package(venv: Path, extras: set[str]) -> None:
    """Install the repository in place with its dependencies, by uv, or by pip where uv cannot."""
    target = str(ROOT) + (f"[{','.join(sorted(extras))}]" if extras else "")
    uv = uv_path(venv)
    if uv.exists():
        command = [str(uv), "pip", "install", "--python", str(venv_python(venv)), "-e", target]
        if "dev" in extras:  # tests start hundreds of processes, perhaps where Python may not write bytecode
            command.append("--compile-bytecode")
        try:
            step("veriscope and its dependencies", command, venv, env=uv_environment(venv))
        except BootstrapError as error:
            say(f"  uv could not install them ({error}); trying pip, which takes longer")
        else:
            return
    step("veriscope and its dependencies (pip)", [*pip(venv), "install", "-e", target], venv)


def uv_environment(venv: Path) -> dict[str, str]:
    """Environment variables that tell uv what pip's configuration tells pip."""
    listed = subprocess.run([*pip(venv), "config", "list"], capture_output=True, text=True, check=False)
    return translate_pip_config(listed.stdout, dict(os.environ))


def translate_pip_config(listing: str, environment: dict[str, str]) -> dict[str, str]:
    """Add pip's settings, as printed by `pip config list`, to an environment in uv's words.

    A variable of uv that is set already wins; pip's own order is `:env:`, `install`, `global`.
    """
    ranks = ("global", "install", ":env:")
    settings: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section not in ranks or name not in PIP_TO_UV:
            continue
        try:
            text = " ".join(str(ast.literal_eval(value)).split())
        except (ValueError, SyntaxError):
            continue
        variable, rank = PIP_TO_UV[name], ranks.index(section)
        if text and rank >= settings.get(variable, (-1, ""))[0]:
            settings[variable] = (rank, text)
    translated = dict(environment)
    for variable, (_, text) in settings.items():
        # uv wants commas here where pip takes spaces
        translated.setdefault(variable, text.replace(" ", ",") if variable == "UV_FIND_LINKS" else text)
    if "UV_INDEX" in translated:  # pip takes the best version of all its indexes; uv stops at the first
        translated.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return translated


def step(
    what: str, command: list[str], venv: Path, *, env: dict[str, str] | None = None, log: Path | None = None
) -> None:
    """Run one command, showing that it lives; its output goes to a log and is shown if it fails."""
    log = log or venv / "bootstrap.log"
    start = time.monotonic()
    with log.open("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=ROOT)
        while True:
            try:
                code = process.wait(timeout=HEARTBEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f"  {what}: still working, {time.monotonic() - start:.0f} s")
            except BaseException:
                process.kill()
                raise
        output.seek(0)
        text = output.read()
    if code:
        tail = "\n".join(f"    {line}" for line in text.splitlines()[-15:])
        print(f"  {what}: failed\n{tail}", file=sys.stderr, flush=True)
        cause = cause_of(text) or f"the whole output is in {log}"
        raise BootstrapError(f"{what} failed: {cause}")
    say(f"  {what}: {time.monotonic() - start:.1f} s")


def cause_of(output: str) -> str:
    """Cause and remedy of a failure that is known by its words, or nothing."""
    return next((cause for words, cause in CAUSES if any(word in output for word in words)), "")


def fingerprint() -> str:
    """Hash of everything that decides what is installed."""
    state = [sys.version, str(ROOT), (ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(state).encode()).hexdigest()


def load_stamp(venv: Path) -> tuple[str, set[str]]:
    """Give the fingerprint and the extras that an environment was made with; none if it is new."""
    try:
        stamp = json.loads((venv / "bootstrap.json").read_text(encoding="utf-8"))
        return str(stamp["fingerprint"]), set(stamp["extras"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", set()


def read_stamp(venv: Path) -> set[str] | None:
    """Give the extras of an environment that is up to date, or None if it is not."""
    made_for, extras = load_stamp(venv)
    return extras if made_for == fingerprint() and venv_python(venv).exists() else None


def write_stamp(venv: Path, extras: set[str]) -> None:
    """Note that an environment is complete."""
    stamp = {"fingerprint": fingerprint(), "extras": sorted(extras)}
    partial = venv / "bootstrap.json.tmp"
    partial.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    partial.replace(venv / "bootstrap.json")


if __name__ == "__main__":
    sys.exit(main())
