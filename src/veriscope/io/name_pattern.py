"""Finding images by a pattern of their names: ``{plate}_{well}_{field}.tif``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.folders import ImageFile, image_stem, natural_order
from veriscope.io.images import SUFFIXES
from veriscope.io.walk import walk
from veriscope.io.wells import Place, well_parts

__all__ = ["PLACEHOLDERS", "FittingFiles", "NamePattern", "find_by_pattern"]

PLACEHOLDERS = {
    "well": r"[A-Za-z]{1,2}[0-9]{1,3}",
    "row": r"[A-Za-z]{1,2}|[0-9]{1,2}",
    "column": r"[0-9]{1,3}",
    "field": r"[0-9A-Za-z]+?",
    "plate": r"[^/]+?",
    "group": r"[^/]+?",
    "replicate": r"[^/]+?",
    "channel": r"[^/]+?",
}
"""What each placeholder stands for, as a regular expression."""

_PART = re.compile(r"\{([^{}]*)\}|(\*)")
_SHOWN = 20


class NamePattern:
    """A pattern of file names with placeholders.

    Parameters
    ----------
    text
        Such as ``{plate}/{well}_s{field}_w{channel}*.tif``: each of `PLACEHOLDERS` at most once, ``*``
        for text of no interest, everything else as it stands in the names. ``/`` parts folders, and no
        placeholder reaches beyond one.

    Raises
    ------
    InputError
        If a placeholder is unknown, used twice, or there is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.placeholders = tuple(name for name, _ in _PART.findall(text) if name)
        _check(text, self.placeholders)
        parts, last = [], 0
        for found in _PART.finditer(text):
            parts.append(re.escape(text[last : found.start()]))
            name = found.group(1)
            parts.append(f"(?P<{name}>{PLACEHOLDERS[name]})" if name else "[^/]*?")
            last = found.end()
        self._expression = re.compile("".join(parts) + re.escape(text[last:]))

    def match(self, name: str) -> Place | None:
        """Read what a name says.

        Parameters
        ----------
        name
            Path of a file relative to the folder searched, parts divided by ``/``.

        Returns
        -------
        Place or None
            None if the name does not fit. Wells are in the form ``B03``, rows of numbers are letters.
        """
        found = self._expression.fullmatch(name)
        if found is None:
            return None
        said: dict[str, Any] = found.groupdict()
        well, row, column = said.pop("well", None), said.pop("row", ""), said.pop("column", "")
        try:
            if well is not None:
                row, column = well_parts(well)
            elif row and column:
                row, column = well_parts(row, column)
        except InputError:
            return None  # such as column 0
        return Place(row=row, column=column, **said)


def _check(text: str, placeholders: Sequence[str]) -> None:
    allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    unknown = [name for name in placeholders if name not in PLACEHOLDERS]
    if unknown or "{}" in text or text.count("{") != text.count("}"):
        what = f"{{{unknown[0]}}} is unknown" if unknown else "braces must hold a placeholder"
        raise InputError(f"pattern {text!r}: {what}; placeholders are {allowed}")
    if not placeholders:
        raise InputError(f"pattern {text!r} has no placeholder; placeholders are {allowed}")
    twice = sorted({name for name in placeholders if placeholders.count(name) > 1})
    if twice:
        raise InputError(f"pattern {text!r}: {{{twice[0]}}} stands twice; give each placeholder once")
    if "well" in placeholders and {"row", "column"} & set(placeholders):
        raise InputError(f"pattern {text!r}: give {{well}}, or {{row}} and {{column}}, not both")
    if ("row" in placeholders) != ("column" in placeholders):
        raise InputError(f"pattern {text!r}: {{row}} and {{column}} name a well together; give both")


@dataclass(frozen=True, slots=True)
class FittingFiles:
    """Files that fit a pattern.

    Parameters
    ----------
    files
        In natural order; each pair of stem and channel once.
    unfit
        Images in the folders that do not fit, relative to their folder.
    """

    files: tuple[ImageFile, ...]
    unfit: tuple[str, ...]


def find_by_pattern(
    folders: Sequence[str | Path], pattern: str, *, partial: bool = False, exclude: Path | None = None
) -> FittingFiles:
    """Find the images of folders, and of the folders in them, by a pattern of their names.

    Parameters
    ----------
    folders
        Folders that the pattern starts from.
    pattern
        See `NamePattern`.
    partial
        Leave out images whose names do not fit, instead of refusing all.
    exclude
        Folder that is not searched, such as an earlier result.

    Returns
    -------
    FittingFiles
        Stems are ``B03-2`` (well and field) where the pattern has them, with ``plate_`` in front if
        there are several plates; otherwise the path without its ending, ``/`` replaced by ``_``.

    Raises
    ------
    UnreadableFileError
        If a folder is missing.
    InputError
        If the pattern is wrong, nothing fits, images do not fit, or the pattern leaves out what tells
        images apart; all are listed.
    """
    reader = NamePattern(pattern)
    read: list[tuple[Path, str, Place]] = []
    unfit: list[str] = []
    for folder in folders:
        for path, relative in _walk(Path(folder), exclude):
            place = reader.match(relative)
            if place is None:
                unfit.append(relative)
            else:
                read.append((path, relative, place))
    if not read or (unfit and not partial):
        raise InputError(_misfit(pattern, [str(folder) for folder in folders], unfit, len(read)))
    several = len({place.plate for _, _, place in read}) > 1
    files = [ImageFile(_stem(relative, place, several), path, place) for path, relative, place in read]
    _require_apart(pattern, files)
    files.sort(
        key=lambda file: (natural_order(file.stem), natural_order(file.place.channel if file.place else ""))
    )
    return FittingFiles(tuple(files), tuple(unfit))


def _walk(folder: Path, exclude: Path | None) -> list[tuple[Path, str]]:
    """List the images below a folder, with their paths relative to it; OME-Zarr folders are images."""
    if not folder.is_dir():
        raise UnreadableFileError(f"{folder}: no such folder; with a pattern, give the folder it starts from")
    found: list[tuple[Path, str]] = []
    try:
        for where, folders, names in walk(folder):
            images = [name for name in folders if name.endswith(".zarr")]
            skipped = {name for name in folders if name.startswith(".") or where / name == exclude}
            folders[:] = sorted(set(folders) - set(images) - skipped)
            found += [
                (where / name, (where / name).relative_to(folder).as_posix())
                for name in sorted([*names, *images])
                if not name.startswith(".") and PurePath(name).suffix.lower() in SUFFIXES
            ]
    except OSError as error:
        raise UnreadableFileError(
            f"{error.filename}: cannot be read: {error.strerror}; change its permissions or choose another "
            "folder"
        ) from error
    return found


def _misfit(pattern: str, folders: Sequence[str], unfit: Sequence[str], n_fit: int) -> str:
    where = ", ".join(folders)
    if not unfit:
        return f"{where}: no image in it or in its folders; endings read are {' '.join(SUFFIXES)}"
    first = f"{len(unfit)} of {len(unfit) + n_fit} images in {where} do not fit the pattern {pattern!r}:"
    lines = [first if n_fit else f"{where}: no image fits the pattern {pattern!r}; there are:"]
    lines += [f"  - {name}" for name in unfit[:_SHOWN]]
    if len(unfit) > _SHOWN:
        lines.append(f"  … and {len(unfit) - _SHOWN} more")
    remedy = "Change the pattern (* stands for text of no interest)"
    lines.append(f"{remedy}, or leave these out with --skip-bad." if n_fit else f"{remedy}.")
    return "\n".join(lines)


def _stem(relative: str, place: Place, several: bool) -> str:
    if place.well:
        plate = f"{place.plate}_" if several else ""
        return f"{plate}{place.well}-{place.field}" if place.field else f"{plate}{place.well}"
    parts = relative.split("/")
    return "_".join([*parts[:-1], image_stem(parts[-1])])


def _require_apart(pattern: str, files: Sequence[ImageFile]) -> None:
    """Refuse files that would be the same image and channel."""
    same: dict[tuple[str, str], list[str]] = {}
    for file in files:
        same.setdefault((file.stem, file.place.channel if file.place else ""), []).append(str(file.path))
    doubles = {key: paths for key, paths in same.items() if len(paths) > 1}
    if not doubles:
        return
    lines = [f"the pattern {pattern!r} gives several images the same name:"]
    for (stem, channel), paths in list(doubles.items())[:_SHOWN]:
        few = " and ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        lines.append(f"  - {stem}{f' channel {channel}' if channel else ''}: {few}")
    if len(doubles) > _SHOWN:
        lines.append(f"  … and {len(doubles) - _SHOWN} more")
    lines.append(
        "Write {plate}, {field} or {channel} where these names differ, or the text itself to choose one, "
        "such as p01 in the place of *."
    )
    raise InputError("\n".join(lines))
