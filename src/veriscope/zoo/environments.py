"""Make the environment of a tool, test it with a tiny prediction, and only then say that it is there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import MethodError
from veriscope.io.atomic import make_folder, write_json
from veriscope.io.hashing import sha256_of
from veriscope.methods.external.environment import (
    ENVIRONMENT_SCHEMA,
    Environment,
    Recipe,
    external_folder,
    find_environment,
    need_environment,
    venv_python,
)
from veriscope.methods.external.find import RUNTIMES, TOOLS, recipe_of
from veriscope.methods.external.process import Limits, ToolProcess
from veriscope.zoo.try_tool import try_program, try_tool

__all__ = ["INSTALL_SCHEMA", "install_tool", "installed_tools", "run_pip", "uninstall_tool"]

INSTALL_SCHEMA = "veriscope/tool/1"
_TORCH_CPU = "https://download.pytorch.org/whl/cpu"
_LIST = (
    "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
)
_CAUSES = (
    (("No space left on device",), "the disk is full; free some space and run this again, it carries on"),
    (
        (
            "NameResolution",
            "name resolution",
            "Connection refused",
            "Network is unreachable",
            "ConnectTimeout",
        ),
        "the package index cannot be reached; check the network, or set PIP_INDEX_URL to a mirror",
    ),
    (("CERTIFICATE_VERIFY_FAILED",), "a certificate is not trusted; behind a proxy set PIP_CERT to its file"),
    (
        ("No matching distribution", "ResolutionImpossible"),
        "no versions of its packages fit this Python and system",
    ),
)


def install_tool(
    tool: str,
    *,
    download: Sequence[str] = (),
    program: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Make the environment of a tool, unless it is there; an unfinished one is carried on with.

    Parameters
    ----------
    tool
        Its name, as ``cellpose``.
    download
        Names of models of its authors whose weights are to be fetched, by the tool's own means.
    program
        Path of the program, for tools that are no packages of Python.
    progress
        Told what is being done.

    Returns
    -------
    dict
        ``schema``, ``tool``, ``version``, ``folder``, ``made`` (whether it was made now), ``test`` and
        ``weights`` (files there).

    Raises
    ------
    MethodError
        If there is no such tool, or it cannot be installed or does not pass its test; it is not used then.
    InputError
        If the folder cannot be written.
    """
    recipe = recipe_of(tool)
    _check_wishes(recipe, download, program)
    found = find_environment(recipe)
    made = found is None or program is not None
    if found is None or made:
        with _lock(recipe):
            found = _register(recipe, program) if recipe.program else _make(recipe, progress)
    for number, name in enumerate(download):
        progress(f"fetch {name}", number, len(download))
        _download(recipe, found, name)
    weights = sorted(path.name for path in found.weights.glob("*")) if found.weights.is_dir() else []
    return {
        "schema": INSTALL_SCHEMA,
        "tool": recipe.tool,
        "version": found.version,
        "folder": str(found.folder),
        "made": made,
        "test": found.record.get("test", {}),
        "weights": weights,
    }


def uninstall_tool(tool: str) -> None:
    """Remove the environment of a tool with the weights that were fetched for it.

    Parameters
    ----------
    tool
        Its name.

    Raises
    ------
    MethodError
        If there is no such tool or no environment of it.
    """
    recipe = recipe_of(tool)
    folder = external_folder() / recipe.tool
    if not folder.is_dir():
        raise MethodError(f"{recipe.title} is not installed in {external_folder()}; nothing was removed")
    with _lock(recipe):
        (folder / "environment.json").unlink(missing_ok=True)  # first: what is left is never used
        shutil.rmtree(folder)


def installed_tools() -> list[dict[str, Any]]:
    """Say of every tool whether it is there.

    Returns
    -------
    list of dict
        ``tool``, ``title``, ``installed``, ``version``, ``size_gb`` and ``methods``: whether its models are
        methods, rather than that it runs weights of packages; in the order of the names.
    """
    found = []
    for tool in sorted([*TOOLS, *RUNTIMES]):
        recipe = recipe_of(tool)
        environment = find_environment(recipe)
        found.append(
            {
                "tool": tool,
                "title": recipe.title,
                "installed": environment is not None,
                "version": environment.version if environment else "",
                "size_gb": recipe.size_gb,
                "methods": tool in TOOLS,
            }
        )
    return found


def _check_wishes(recipe: Recipe, download: Sequence[str], program: str | None) -> None:
    if recipe.program and download:
        raise MethodError(f"{recipe.title} has no weights to fetch; leave out --download")
    if not recipe.program and program is not None:
        raise MethodError(
            f"{recipe.title} is a package of Python, installed by Veriscope; leave out --program"
        )


def _make(recipe: Recipe, progress: Progress) -> Environment:
    folder = make_folder(external_folder() / recipe.tool)
    venv, log = folder / "venv", folder / "install.log"
    free = shutil.disk_usage(folder).free / 1e9
    if free < recipe.size_gb and not venv.exists():
        raise MethodError(
            f"{recipe.title} needs about {recipe.size_gb:g} GB and {free:.1f} GB are free at "
            f"{folder}; free some, or "
            "set VERISCOPE_EXTERNAL to a folder on another disk"
        )
    (folder / "environment.json").unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    steps: list[tuple[str, Callable[[], None]]] = [("make environment", lambda: _venv(venv, log))]
    if recipe.torch:
        steps.append(("install torch", lambda: _torch(recipe.torch, venv, log)))
    steps.append((f"install {recipe.tool}", lambda: run_pip(venv, [*recipe.packages], log, recipe.title)))
    for number, (what, step) in enumerate(steps):
        progress(what, number, len(steps) + 1)
        step()
    installed = _installed(venv)
    record = {
        "schema": ENVIRONMENT_SCHEMA,
        "tool": recipe.tool,
        "version": installed.get(recipe.main, ""),
        "requirements": recipe.lines(),
        "installed": dict(sorted(installed.items())),
        "python": sys.version.split()[0],
    }
    progress("test", len(steps), len(steps) + 1)
    started = time.monotonic()
    try:
        tested = try_tool(recipe, Environment(folder, record))
    except MethodError as error:
        raise MethodError(
            f"{recipe.title} was installed in {folder} but does not work, and is not used: {error}. "
            "Remove it with: "
            f"veriscope models uninstall {recipe.tool}"
        ) from error
    record["test"] = tested | {"seconds": round(time.monotonic() - started, 1)}
    write_json(folder / "environment.json", record)
    progress("test", len(steps) + 1, len(steps) + 1)
    return need_environment(recipe, recipe.tool)


def _venv(venv: Path, log: Path) -> None:
    if venv_python(venv).exists() and (venv / "pyvenv.cfg").exists():
        probe = [str(venv_python(venv)), "-I", "-c", "import pip"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return
    shutil.rmtree(venv, ignore_errors=True)
    _step([sys.executable, "-m", "venv", str(venv)], log, "a virtual environment")


def _torch(requirements: Sequence[str], venv: Path, log: Path) -> None:
    """Install torch for the CPU: a wheel found without an index, torch's own index, or the usual one."""
    wanted = {re.split(r"[<>=!~ ]", line)[0] for line in requirements}
    if wanted <= set(_installed(venv)):
        return
    attempts = [["--no-index", "--no-deps", *requirements], [*requirements]]
    if sys.platform == "linux":
        attempts.insert(1, [*requirements, "--index-url", _TORCH_CPU])
    for attempt in attempts[:-1]:
        with contextlib.suppress(MethodError):
            run_pip(venv, attempt, log, "torch")
            return
    run_pip(venv, attempts[-1], log, "torch")


def run_pip(venv: Path, arguments: Sequence[str], log: Path, what: str) -> None:
    """Run the pip of an environment, with the user's own configuration of pip.

    Parameters
    ----------
    venv
        The environment.
    arguments
        After ``pip install``.
    log
        File to which the output is added.
    what
        Names what is installed, for the message.

    Raises
    ------
    MethodError
        If it fails; the message says why where that is known, and where its output is.
    """
    command = [
        str(venv_python(venv)),
        "-I",
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ]
    _step([*command, *arguments], log, what)


def _step(command: list[str], log: Path, what: str) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"$ {' '.join(command)}\n")
        stream.flush()
        begin = stream.tell()
        done = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return
    with log.open("rb") as output:
        output.seek(begin)
        text = output.read().decode(errors="replace")
    cause = next((cause for words, cause in _CAUSES if any(word in text for word in words)), "")
    faults = [line.strip() for line in text.splitlines() if line.startswith("ERROR")]
    said = cause or (faults[-1] if faults else "")
    raise MethodError(
        f"{what} cannot be installed{': ' + said if said else ''}. The whole output is in {log}; run "
        "the command "
        "again to carry on"
    )


def _installed(venv: Path) -> dict[str, str]:
    import json

    command = [str(venv_python(venv)), "-I", "-c", _LIST]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MethodError(f"{venv}: its Python does not run: {done.stderr.strip()[-200:]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _register(recipe: Recipe, program: str | None) -> Environment:
    """Note where a program is."""
    path = program or next((found for name in recipe.program if (found := shutil.which(name))), None)
    if path is None:
        raise MethodError(
            f"{recipe.title}: none of {', '.join(recipe.program)} is on the path; install it, then "
            "give --program PATH"
        )
    resolved = Path(path).expanduser().absolute()
    if not resolved.is_file() or not os.access(resolved, os.X_OK):
        raise MethodError(f"{resolved}: is no program that can be run; give the path of {recipe.program[0]}")
    folder = make_folder(external_folder() / recipe.tool)
    record = {
        "schema": ENVIRONMENT_SCHEMA,
        "tool": recipe.tool,
        "version": f"sha256:{sha256_of(resolved)[:12]}",
        "program": resolved,
        "requirements": [],
        "installed": {},
        "test": try_program(recipe, resolved),
    }
    write_json(folder / "environment.json", record)
    return need_environment(recipe, recipe.tool)


def _download(recipe: Recipe, environment: Environment, name: str) -> None:
    """Fetch weights with the network open, into a folder of their own first."""
    make_folder(environment.weights)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=environment.weights) as partial:
        variables = {key: value.format(weights=partial) for key, value in recipe.variables}
        process = ToolProcess(
            f"{recipe.tool}:{name}",
            environment.python,
            recipe.worker_path(),
            {"do": "download", "model": name, "files": [], "threads": 0, "options": {}},
            limits=Limits(answer_s=3600.0),
            variables=variables,
            network=True,
        )
        try:
            values, _ = process.ask("download", {}, {"name": name, "output": partial})
        except MethodError as error:
            raise MethodError(
                f"{error}; weights need the network: try again, or put them there by hand"
            ) from error
        finally:
            process.close()
        for file in values["files"]:
            target = environment.weights / str(file)
            if target.is_dir():
                shutil.rmtree(target)
            (Path(partial) / str(file)).replace(target)


@contextlib.contextmanager
def _lock(recipe: Recipe) -> Iterator[None]:
    """Let no two processes make the same environment."""
    folder = make_folder(external_folder())
    path = folder / f"{recipe.tool}.lock"
    for _ in range(2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            if _holder_lives(path):
                raise MethodError(
                    f"{recipe.title} is being installed or removed by another process; wait for it, "
                    "or if there "
                    f"is none remove {path}"
                ) from None
            path.unlink(missing_ok=True)
    else:
        raise MethodError(f"{path} cannot be made; remove it and try again")
    try:
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        yield
    finally:
        path.unlink(missing_ok=True)


def _holder_lives(path: Path) -> bool:
    try:
        os.kill(int(path.read_text()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        return True
    return True
