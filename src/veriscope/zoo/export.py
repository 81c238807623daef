"""Write a network as one file that others can use: a BioImage.IO 0.5 package, read back and tested."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, MethodError, MissingPackageError, UnreadableFileError
from veriscope.io.atomic import atomic_path
from veriscope.io.hashing import sha256_of
from veriscope.methods.base import Card
from veriscope.methods.zoo.archive import safe_relative, unpack_zip
from veriscope.zoo.add import open_package
from veriscope.zoo.fetch import is_address
from veriscope.zoo.read import find_description, read_description
from veriscope.zoo.reproduce import reproduce
from veriscope.zoo.safe_yaml import read_yaml
from veriscope.zoo.validity import check_validity

__all__ = ["EXPORT_SCHEMA", "exact_scale", "export_package"]

EXPORT_SCHEMA = "veriscope/model-export/1"
_NAME = "bioimageio.yaml"
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of all files in the archive, so that the same package gives the same bytes."""


def export_package(
    described: Path,
    card: Card,
    states: Mapping[str, Any],
    target: str | Path,
    *,
    evaluations: Sequence[str | Path] = (),
    spacing: Mapping[str, float] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write a package as a .zip file.

    Parameters
    ----------
    described
        Its description, beside its files.
    card
        Of the method: summary, training data, licence, figures and limits go along.
    states
        What is known of it, as of every package that was added.
    target
        The .zip file; replaced if it exists.
    evaluations
        JSON files that Veriscope printed (``veriscope compare --json`` and others); they go along whole.
    spacing
        Pixel size in µm that the network is meant for, by axis (``y``, ``x``, ``z``), where the
        description states none; None: as it is.
    progress
        Told what is being done.

    Returns
    -------
    dict
        ``schema``, ``package``, ``sha256``, ``bytes``, ``files`` (hashes), ``left_out`` (named in the
        description and not there), and ``states``: ``format_valid`` and ``output_reproduced`` of the file
        written.

    Raises
    ------
    MethodError
        If the package written is not valid, or does not give its own test outputs. Nothing is kept then.
    InputError
        If a file cannot be read or written, or the pixel size contradicts the one stated.
    """
    target = Path(target)
    if target.suffix != ".zip":
        raise InputError(f"{target}: a package is one .zip file; give a name that ends so")
    content = _as_0_5(described)
    files, left_out = _keep_what_is_there(content, described.parent)
    if spacing:
        _set_spacing(content, spacing)
    own = _veriscope(content)
    own.setdefault("card", card.model_dump(mode="json"))
    own["states"] = {name: dict(state) for name, state in states.items()}
    own["evaluations"] = [*own.get("evaluations", []), *map(_evaluation, evaluations)]
    extra = {} if content.get("documentation") else {"README.md": _readme(content, card)}
    if extra:
        content["documentation"] = "README.md"
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    hashes: dict[str, str] = {}
    with atomic_path(target) as temporary:
        progress("write", 0, 2)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in (_NAME, *extra, *files):
                made = {_NAME: text, **extra}.get(name)
                data = (described.parent / name).read_bytes() if made is None else made.encode()
                hashes[name] = hashlib.sha256(data).hexdigest()
                archive.writestr(zipfile.ZipInfo(name, _OLDEST), data, zipfile.ZIP_DEFLATED)
        progress("test", 1, 2)
        found = _proved(temporary, target)
        progress("test", 2, 2)
    return {
        "schema": EXPORT_SCHEMA,
        "package": str(target),
        "sha256": sha256_of(target),
        "bytes": target.stat().st_size,
        "files": hashes,
        "left_out": left_out,
        "states": found,
    }


def _as_0_5(described: Path) -> dict[str, Any]:
    """Read the description as plain values of format 0.5."""
    content = read_yaml(described)
    if str(content.get("format_version", "")).startswith("0.5"):
        return content
    try:
        from bioimageio.spec import InvalidDescr, dump_description, load_description
    except ImportError as error:
        raise MissingPackageError(
            f"{described}: is of format {content.get('format_version')}, and bioimageio.spec, which turns it "
            "into 0.5, is not installed: pip install bioimageio.spec"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        newer = load_description(described, format_version="latest", perform_io_checks=False)
        if isinstance(newer, InvalidDescr):
            raise MethodError(
                f"{described}: is of format {content.get('format_version')} and cannot be turned into 0.5: "
                f"{newer.validation_summary.status}; ask its authors for a newer one"
            )
        found: dict[str, Any] = json.loads(json.dumps(dump_description(newer), default=str))
    return found


def _keep_what_is_there(content: dict[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    """Take out of a description what it names and what is not there; give the files that are, and are not."""
    files: dict[str, None] = {}
    gone: list[str] = []

    def there(source: Any) -> bool:
        text = str(source["source"] if isinstance(source, dict) else source)
        if is_address(text):
            return True
        relative = safe_relative(text, where=_NAME).as_posix()
        if (folder / relative).is_file():
            files[relative] = None
            return True
        gone.append(text)
        return False

    weights = content["weights"]
    for name in list(weights):
        if not isinstance(weights[name], dict):
            del weights[name]
            continue
        code = weights[name].get("architecture") or {}
        parts = [weights[name]["source"], code.get("source"), weights[name].get("dependencies")]
        # Weights elsewhere would have to be fetched by whoever opens the package: it holds what it needs.
        if is_address(str(parts[0])) or False in [there(part) for part in parts if part]:
            gone.append(f"weights {name}")
            del weights[name]
    if not weights:
        raise UnreadableFileError(f"{folder}: none of the weights that the description names is there")
    for item in weights.values():
        if item.get("parent") not in weights:
            item.pop("parent", None)
            item.setdefault("authors", content.get("authors", []))
    for tensor in (*content["inputs"], *content["outputs"]):
        if tensor.get("sample_tensor") and not there(tensor["sample_tensor"]):
            del tensor["sample_tensor"]
        if tensor.get("test_tensor"):
            there(tensor["test_tensor"])
    for key in ("covers", "attachments"):
        kept = [item for item in content.get(key) or [] if there(item)]
        content.pop(key, None)
        if kept:
            content[key] = kept
    for key in ("documentation", "icon"):
        value = content.get(key)
        if value and ("." in str(value) or isinstance(value, dict)) and not there(value):
            del content[key]
    own = _veriscope(content).get("int8") or {}
    for source in (own.get("source"), own.get("test_output")):
        if source and not there(source):
            _veriscope(content).pop("int8", None)
    return list(files), list(dict.fromkeys(gone))


def _veriscope(content: dict[str, Any]) -> dict[str, Any]:
    """Give ``config.veriscope``, made where it is missing."""
    if not isinstance(content.get("config"), dict):
        content["config"] = {}
    found: dict[str, Any] = content["config"].setdefault("veriscope", {})
    return found


def exact_scale(size: float) -> float:
    """Give the nearest number by which whole pixels can be multiplied and divided again without rounding.

    Readers of the format bring sizes and halos from one axis to another by their scales, and cut what comes
    out to whole pixels: 112 times 0.65 by 0.65 is a little less than 112.

    Parameters
    ----------
    size
        Of a pixel, above 0.

    Returns
    -------
    float
        In single precision, so that products with numbers below 2**29 are exact.
    """
    return float(np.float32(size))


def _set_spacing(content: dict[str, Any], spacing: Mapping[str, float]) -> None:
    """State the pixel size of inputs, and of outputs in proportion."""
    known = {
        axis.get("id", axis["type"]): axis for axis in content["inputs"][0]["axes"] if axis["type"] == "space"
    }
    for name, size in spacing.items():
        if name not in known:
            raise InputError(f"--spacing {name}={size:g}: the model has the axes {', '.join(known)}")
        stated = float(known[name].get("scale", 1.0)) if known[name].get("unit") else None
        if stated is not None and abs(stated - size) > 1e-6 * size:
            raise InputError(
                f"--spacing {name}={size:g}: the description states {stated:g} {known[name]['unit']}; the "
                "authors know best, so leave it out"
            )
        if stated is not None:
            continue
        for tensor in (*content["inputs"], *content["outputs"]):
            for axis in tensor["axes"]:
                if axis["type"] == "space" and axis.get("id", "x") == name:
                    axis["scale"] = float(axis.get("scale", 1.0)) * exact_scale(size)
                    axis["unit"] = "micrometer"


def _evaluation(path: str | Path) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: is no JSON file: {error}") from error
    if not isinstance(found, dict) or not str(found.get("schema", "")).startswith("veriscope/"):
        raise InputError(
            f"{path}: is no result of Veriscope (an object with a schema); give what veriscope "
            "compare --json prints"
        )
    return found


def _readme(content: Mapping[str, Any], card: Card) -> str:
    """Documentation from the card, for packages whose own was not kept."""
    lines = [f"# {content['name']}", "", card.summary, "", f"Training data: {card.training_data}."]
    lines += ["", f"Licence: {card.licence}.", "", "Known limits:", ""]
    return "\n".join([*lines, *(f"- {limit}" for limit in card.limits), ""])


def _proved(package: Path, target: Path) -> dict[str, Any]:
    """Read the file back as a stranger would, and run its test tensors."""
    with tempfile.TemporaryDirectory(prefix="veriscope-export-") as folder:
        unpack_zip(package, Path(folder) / "package")
        described = find_description(Path(folder) / "package")
        states = {
            "format_valid": check_validity(described, read_description(described)),
            "output_reproduced": reproduce(open_package(described)),
        }
    faults = [f"{name}: {state['text']}" for name, state in states.items() if state["status"] == "no"]
    if states["output_reproduced"]["status"] != "yes" and not faults:
        faults = [f"output_reproduced: {states['output_reproduced']['text']}"]
    if faults:
        raise MethodError(f"{target}: the package made is not right, so it was not kept: {'; '.join(faults)}")
    return states
