"""Take in a model package: read, verify, test, keep — or leave nothing behind."""

from __future__ import annotations

import shutil
import tempfile
import urllib.parse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, MethodError, UnreadableFileError, VeriscopeError
from veriscope.io.atomic import atomic_path, write_json
from veriscope.io.hashing import sha256_of
from veriscope.methods.zoo.archive import safe_file, safe_relative, unpack_zip
from veriscope.methods.zoo.description import RUNNABLE, File, ModelDescription, Weights
from veriscope.methods.zoo.processing import Custom
from veriscope.methods.zoo.zoo_model import InstalledModel, model_class
from veriscope.zoo.cache import PREFIX, RECORD_SCHEMA, model_folder, read_record, slug
from veriscope.zoo.fetch import download, is_address
from veriscope.zoo.index import nickname_address
from veriscope.zoo.read import find_description, read_description
from veriscope.zoo.reproduce import reproduce
from veriscope.zoo.validity import check_validity

__all__ = ["ADD_SCHEMA", "add_model", "open_package", "remove_model"]

ADD_SCHEMA = "veriscope/model-add/1"
_UNKNOWN = {"status": "unknown", "text": "only an audit of your own images says so"}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the files of a package come from."""

    folder: Path
    description: str
    shown: str
    """The folder, archive or address as the user knows it."""
    address: str | None = None


def add_model(
    source: str,
    *,
    name: str | None = None,
    trust: Collection[str] = (),
    anyway: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Add a model package to those that can be used as methods.

    Parameters
    ----------
    source
        A folder, a .zip file, a YAML file, an address of one of these, or a nickname of the zoo.
    name
        Name to give it; otherwise its nickname, else its own name.
    trust
        SHA-256 of Python code of the package to which the user consents; it is run by the test.
    anyway
        Keep it also if its test tensors do not come out, or it has none.
    progress
        Told what is being done.

    Returns
    -------
    dict
        ``schema``, ``name`` (of the method), ``files`` (hashes), ``code`` (Python in it), and ``states``:
        ``format_valid``, ``output_reproduced`` and ``works_on_your_data``.

    Raises
    ------
    InputError
        If it cannot be read, or a file is missing or has another hash than stated.
    MethodError
        If it cannot be run, or its outputs are not those of its test tensors. Nothing is kept then.
    """
    places: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="veriscope-model-") as folder:
        places[str(Path(folder) / "unpacked")] = source
        try:
            record, description = _add(
                source, Path(folder), places, name=name, trust=trust, anyway=anyway, progress=progress
            )
        except VeriscopeError as error:
            text = str(error)
            for here, shown in places.items():
                text = text.replace(here, shown)
            if text == str(error):
                raise
            raise type(error)(text) from error
    return {
        "schema": ADD_SCHEMA,
        **{k: v for k, v in record.items() if k != "schema"},
        "code": _code(description),
    }


def _add(
    source: str,
    folder: Path,
    places: dict[str, str],
    *,
    name: str | None,
    trust: Collection[str],
    anyway: bool,
    progress: Progress,
) -> tuple[dict[str, Any], ModelDescription]:
    """Add a package by way of a folder; `places` gets where files are for the moment, and where from."""
    origin = _obtain(source, folder, progress)
    places[str(origin.folder)] = origin.shown
    described = origin.folder / origin.description
    description = read_description(described)
    nickname = source if origin.address and not is_address(source) else ""
    chosen = slug(name or nickname or description.id or description.name)
    target = model_folder(chosen)
    own = sha256_of(described)
    _refuse_other(chosen, target, origin.description, own)
    with atomic_path(target) as temporary:
        package = temporary / "package"
        package.mkdir(parents=True)
        places[str(package)] = origin.shown
        shutil.copyfile(described, package / origin.description)
        hashes = {origin.description: own} | _collect(origin, description, package, progress)
        installed = InstalledModel(PREFIX + chosen, description, package, hashes, frozenset(trust))
        model_class(installed)
        progress("test", 0, 1)
        tested = reproduce(installed)
        progress("test", 1, 1)
        states = {
            "format_valid": check_validity(package / origin.description, description),
            "output_reproduced": tested,
            "works_on_your_data": _UNKNOWN,
        }
        if tested["status"] != "yes" and not anyway:
            raise MethodError(f"{source}: was not added, because {_refusal(tested)}")
        record = {
            "schema": RECORD_SCHEMA,
            "name": PREFIX + chosen,
            "source": source,
            "description": origin.description,
            "files": hashes,
            "trusted": sorted(trust),
            "states": states,
        }
        write_json(temporary / "record.json", record)
    return record, description


def _refusal(tested: dict[str, Any]) -> str:
    """Why a package is not added, and what to do where something can be done."""
    if not tested["runs"]:
        return f"it does not run here: {tested['text']}"
    what = "are not those" if tested["status"] == "no" else "could not be compared with those"
    return f"its outputs {what} of its test tensors: {tested['text']}. To keep it all the same, give --anyway"


def remove_model(name: str) -> None:
    """Remove a package that was added.

    Parameters
    ----------
    name
        With or without ``zoo:``.

    Raises
    ------
    MethodError
        If it was not added.
    """
    target = model_folder(name)
    if not target.is_dir():
        read_record(name)
    shutil.rmtree(target)


def open_package(path: Path) -> InstalledModel:
    """Open a package where it lies, without adding it; its hashes are verified, its outputs are not tested.

    Parameters
    ----------
    path
        Folder or YAML file.

    Returns
    -------
    InstalledModel
        Named after the package. Nothing of it has run, and none of its code is trusted.

    Raises
    ------
    InputError
        If it cannot be read, or a file has another hash than stated.
    """
    described = find_description(path)
    description = read_description(described)
    hashes = {described.name: sha256_of(described)}
    for file in _wanted(description):
        if is_address(file.source):
            continue
        relative = safe_relative(file.source, where=str(described))
        if (described.parent / relative).exists():
            found = safe_file(described.parent, file.source, where=str(described))
            hashes[file.source] = _verified(found, file, described)
    states = {
        "format_valid": {"status": "readable", "text": f"read as format {description.format_version}"},
        "output_reproduced": {"status": "not tested", "text": "veriscope models add tests it", "tests": []},
        "works_on_your_data": _UNKNOWN,
    }
    name = PREFIX + slug(description.id or description.name)
    return InstalledModel(name, description, described.parent, hashes, frozenset(), states)


def _obtain(source: str, folder: Path, progress: Progress) -> _Source:
    """Bring the description, or all of an archive, to this computer."""
    path = Path(source)
    if not is_address(source) and path.exists():
        if path.suffix.lower() == ".zip":
            unpack_zip(path, folder / "unpacked")
            return _local(folder / "unpacked", source)
        return _local(path, str(path if path.is_dir() else path.parent))
    if not is_address(source) and (path.is_absolute() or path.suffix or len(path.parts) > 1):
        raise UnreadableFileError(
            f"{source}: does not exist; give a folder, a .zip file, a YAML file or a nickname"
        )
    if is_address(source):
        return _remote(source, folder, progress)
    address = nickname_address(source)
    try:
        return _remote(address, folder, progress)
    except UnreadableFileError as error:
        raise UnreadableFileError(
            f"{source}: is no file or folder here, and as a nickname of the zoo: {error}"
        ) from error


def _remote(address: str, folder: Path, progress: Progress) -> _Source:
    """Fetch a description, or an archive with everything."""
    parts = urllib.parse.urlsplit(address)
    name = parts.path.rsplit("/", 1)[-1]
    if name.lower().endswith((".yaml", ".yml")):
        download(address, folder / "remote" / name, most_bytes=4 << 20, progress=progress)
        return _Source(folder / "remote", name, address.rsplit("/", 1)[0], address)
    download(address, folder / "package.zip", progress=progress)
    unpack_zip(folder / "package.zip", folder / "unpacked")
    return _local(folder / "unpacked", address)


def _local(path: Path, shown: str) -> _Source:
    found = find_description(path)
    return _Source(found.parent, found.name, shown)


def _wanted(description: ModelDescription) -> list[File]:
    """Files of a package that matter for running and testing it."""
    found: list[File] = []
    for item in description.weights:
        if item.format in RUNNABLE:
            found += _files_of(item)
    tensors = (*description.inputs, *description.outputs)
    found += [
        File(source=step.source, sha256=step.sha256)
        for tensor in tensors
        for step in tensor.steps
        if isinstance(step, Custom)
    ]
    return found + [tensor.test for tensor in tensors if tensor.test is not None]


def _files_of(weights: Weights) -> list[File]:
    code = weights.architecture
    return [weights.file] if code is None else [weights.file, code.file]


def _collect(
    origin: _Source, description: ModelDescription, package: Path, progress: Progress
) -> dict[str, str]:
    """Copy or download the files that matter, each verified."""
    hashes: dict[str, str] = {}
    weights = [item for item in description.weights if item.format in RUNNABLE]
    wanted = _wanted(description)
    needed = _wanted(description.model_copy(update={"weights": ()}))
    for index, file in enumerate(wanted):
        progress("verify", index, len(wanted))
        spare = file not in needed and any(
            item.file.source in hashes and file not in _files_of(item) for item in weights
        )
        if is_address(file.source):
            continue
        relative = safe_relative(file.source, where=origin.description)
        target = package / relative
        if file.source in hashes or (origin.address is not None and spare):
            continue
        if origin.address is not None:
            _fetch(origin.address, relative.as_posix(), file, target, progress)
        elif (origin.folder / relative).exists() or (origin.folder / relative).is_symlink():
            found = safe_file(origin.folder, file.source, where=origin.description)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, target)
        else:
            continue
        hashes[file.source] = _verified(target, file, Path(origin.description))
    progress("verify", len(wanted), len(wanted))
    if not any(item.file.source in hashes for item in weights):
        _missing_weights(origin, description)
    return hashes


def _fetch(address: str, relative: str, file: File, target: Path, progress: Progress) -> None:
    base = urllib.parse.urlsplit(address)
    path = base.path.rsplit("/", 1)[0] + "/" + urllib.parse.quote(relative)
    download(
        urllib.parse.urlunsplit((base.scheme, base.netloc, path, base.query, "")),
        target,
        sha256=file.sha256,
        progress=progress,
    )


def _missing_weights(origin: _Source, description: ModelDescription) -> None:
    offered = {item.format: item.file.source for item in description.weights}
    there = [name for name in RUNNABLE if name in offered]
    if not there:
        raise MethodError(
            f"{description.name}: has weights as {', '.join(offered)}; Veriscope runs {', '.join(RUNNABLE)}. "
            "Ask its authors for one of these, ONNX best, and add it to the package"
        )
    listed = ", ".join(f"{offered[name]} ({name})" for name in there)
    raise UnreadableFileError(
        f"{origin.folder / origin.description}: none of its weights is in the package: {listed}; get the "
        "package anew"
    )


def _verified(path: Path, file: File, where: Path) -> str:
    found = sha256_of(path)
    if file.sha256 is not None and found != file.sha256:
        raise InputError(
            f"{file.source}: has SHA-256 {found}, and {where.name} says {file.sha256}: the file was changed "
            "or damaged; get the package anew"
        )
    return found


def _refuse_other(name: str, target: Path, description: str, own: str) -> None:
    if target.exists() and read_record(name)["files"].get(description) != own:
        raise MethodError(
            f"another package named {PREFIX}{name} was added before; remove that (veriscope models remove "
            f"{name}) or give this one another --name"
        )


def _code(description: ModelDescription) -> list[dict[str, Any]]:
    return [
        {"file": code.file.source, "sha256": code.file.sha256, "callable": code.callable}
        for code in description.codes
    ]
