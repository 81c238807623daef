"""Finding image files."""

from __future__ import annotations

import errno
import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from veriscope.errors import InputError, UnreadableFileError, raise_together
from veriscope.io.images import SUFFIXES
from veriscope.io.plates import Plate, is_plate, read_plate
from veriscope.io.sheets import composed
from veriscope.io.wells import Place

__all__ = [
    "FoundImages",
    "ImageFile",
    "as_unicode",
    "find_images",
    "image_stem",
    "is_unicode",
    "natural_order",
    "require_unique",
]

_SIDECARS = frozenset(
    [
        ".csv",
        ".tsv",
        ".json",
        ".geojson",
        ".txt",
        ".md",
        ".yaml",
        ".yml",
        ".xml",
        ".log",
        ".ini",
        ".db",
        ".roi",
    ]
)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file with the name by which its labels, groups and results are found.

    Parameters
    ----------
    stem
        Name without suffix; of ``.ome.tif`` and ``.ome.zarr`` both suffixes are dropped.
    path
        The file, or OME-Zarr folder.
    place
        Where on a plate it was taken; None for a file of its own.
    series
        Which image of the file it is, from 0; None: the only one.
    """

    stem: str
    path: Path
    place: Place | None = None
    series: int | None = None


@dataclass(frozen=True, slots=True)
class FoundImages(Sequence[ImageFile]):
    """Image files in natural order of their stems; works as a sequence of `ImageFile`.

    Parameters
    ----------
    images
        The files, each stem once.
    ignored
        Files in the folders given whose ending is not that of an image that can be read.
    faults
        What plates list and do not have; only where that is allowed.
    acquisitions
        Name by number, of the acquisitions of all plates.
    """

    images: tuple[ImageFile, ...]
    ignored: tuple[Path, ...] = ()
    faults: tuple[str, ...] = ()
    acquisitions: Mapping[int, str] = field(default_factory=dict)

    @overload
    def __getitem__(self, index: int) -> ImageFile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ImageFile]: ...
    def __getitem__(self, index: int | slice) -> ImageFile | Sequence[ImageFile]:
        """Give one or several images."""
        return self.images[index]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.images)


def image_stem(path: str | Path) -> str:
    """Give the name of an image without its suffixes.

    Parameters
    ----------
    path
        Any path.

    Returns
    -------
    str
        ``"a"`` for ``a.tif``, ``a.ome.tif`` and ``a.ome.zarr``; ``"a.b"`` for ``a.b.tif``. An ü is one
        character, also in names of macOS, which writes two.
    """
    name = composed(Path(path).name)
    if Path(name).suffix:
        name = name[: -len(Path(name).suffix)]
    return name[:-4] if name.lower().endswith(".ome") and len(name) > 4 else name


def natural_order(text: str) -> list[tuple[int, int, str]]:
    """Give the sort key by which ``a2`` comes before ``a10``.

    Parameters
    ----------
    text
        A name.

    Returns
    -------
    list
        Key for `sorted`.
    """
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def find_images(sources: str | Path | Iterable[str | Path], *, partial: bool = False) -> FoundImages:
    """Find the image files in folders, by patterns, or by name, and the fields in plates.

    Parameters
    ----------
    sources
        One or several of: a folder (its own files, not those of folders in it), a pattern with
        ``*``, ``?`` or ``[…]``, a file, an OME-Zarr folder. Files that are named are taken whatever
        their ending. An OME-Zarr plate stands for its fields, with stems such as ``B03-0`` (well and
        field); with several plates, ``plate1_B03-0``.
    partial
        Leave out what a plate lists and does not have, and say so in `faults`.

    Returns
    -------
    FoundImages
        In natural order of the stems (``a2`` before ``a10``). Hidden files and text files beside
        images (``.csv``, ``.json``, ``.roi`` …) are passed over; other files are in `ignored`.

    Raises
    ------
    UnreadableFileError
        If a source is missing or must not be read, or a plate lists what it does not have.
    InputError
        If no image is found, a name holds bytes that are no characters, or two files have the same stem;
        all of them are named.
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    found: dict[Path, ImageFile] = {}
    plates: dict[Path, Plate] = {}
    ignored: set[Path] = set()
    for source in given:
        taken, left = _expand(source)
        for path in taken:
            if path.is_dir() and is_plate(path):
                plates[path.resolve()] = read_plate(path, partial=partial)
            else:
                found[path.resolve()] = ImageFile(image_stem(path), path)
        ignored.update(left)
    found |= {item.path.resolve(): item for item in _fields(list(plates.values()))}
    if not found:
        raise InputError(_nothing_found(given, ignored))
    images = sorted(found.values(), key=lambda file: (natural_order(file.stem), str(file.path)))
    _require_characters(images)
    require_unique(images)
    return FoundImages(
        tuple(images),
        tuple(sorted(ignored)),
        tuple(f"{plate.path}: {fault}" for plate in plates.values() for fault in plate.faults),
        {number: name for plate in plates.values() for number, name in plate.acquisitions.items()},
    )


def _fields(plates: Sequence[Plate]) -> list[ImageFile]:
    """Give the images of plates; those of several plates carry the name of theirs."""
    return [
        ImageFile(
            f"{plate.name}_{item.place.well}-{item.place.field}"
            if len(plates) > 1
            else f"{item.place.well}-{item.place.field}",
            item.path,
            item.place,
        )
        for plate in plates
        for item in plate.fields
    ]


def _expand(source: str | Path) -> tuple[list[Path], list[Path]]:
    """Paths taken and paths ignored of one source."""
    path = Path(source)
    try:
        if path.exists():
            return _sort_out(path.iterdir()) if _is_plain_folder(path) else ([path], [])
    except OSError as error:
        reason = "no permission to read it" if error.errno == errno.EACCES else error.strerror
        raise UnreadableFileError(f"{source}: {reason}; change its permissions or choose another") from error
    if not _GLOB.search(str(source)):
        raise UnreadableFileError(f"{source}: no such file or folder; check the name")
    pattern = str(_with_plain_start(path))
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return _sort_out(map(Path, names))


def _with_plain_start(pattern: Path) -> Path:
    """Take the folders that are there by their names, also where these hold brackets."""
    start = next(folder for folder in (*pattern.parents, Path()) if folder == Path() or folder.is_dir())
    return Path(glob.escape(str(start))) / pattern.relative_to(start)


def _is_plain_folder(path: Path) -> bool:
    return path.is_dir() and path.suffix != ".zarr" and not _is_zarr_inside(path)


def _is_zarr_inside(path: Path) -> bool:
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup"))


def _sort_out(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    taken: list[Path] = []
    ignored: list[Path] = []
    for path in paths:
        if path.name.startswith(".") or _is_plain_folder(path) or path.suffix.lower() in _SIDECARS:
            continue
        (taken if path.suffix.lower() in SUFFIXES else ignored).append(path)
    return taken, ignored


def _nothing_found(sources: Sequence[str | Path], ignored: Iterable[Path]) -> str:
    shown = ", ".join(map(str, sources)) or "nothing given"
    endings = " ".join(SUFFIXES)
    left = sorted(path.name for path in ignored)
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        return (
            f"{shown}: no image that can be read; there are {', '.join(left[:3])}{more}, but the endings "
            f"read are {endings}: open them in Fiji and save them as OME-TIFF"
        )
    folders = [path for source in sources if (path := Path(source)).is_dir()]
    inside = sorted(child.name for folder in folders for child in folder.iterdir() if child.is_dir())
    if inside:
        return (
            f"{shown}: no image in the folder itself; folders in it are not searched: name one, for example "
            f"{folders[0] / inside[0]}, or a pattern such as '{folders[0]}/*/*.tif'"
        )
    return f"{shown}: no image found; give a folder, files or a pattern of images with the endings {endings}"


def _require_characters(images: Sequence[ImageFile]) -> None:
    """Refuse names that no table, no page and no other computer can hold."""
    faults = [InputError(repr(str(file.path))) for file in images if not is_unicode(str(file.path))]
    if faults:
        raise_together(
            faults,
            what=f"{len(faults)} names of files or their folders hold bytes that are no characters (UTF-8)",
            remedy="Rename them; convmv does it for all at once",
        )


def is_unicode(name: str) -> bool:
    """Tell whether a name from a disk consists of characters.

    Parameters
    ----------
    name
        Of a file, or a path. Linux allows any bytes in it; Python gives those that are no characters as
        halves of pairs (surrogates), which nothing can be written with.

    Returns
    -------
    bool
        Whether it can be written as UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_unicode(name: str) -> str:
    r"""Write a name from a disk so that it can be shown.

    Parameters
    ----------
    name
        Of a file, or a text with such names.

    Returns
    -------
    str
        The same, with bytes that are no characters as ``\udce9``.
    """
    return name.encode("utf-8", "backslashreplace").decode()


def require_unique(images: Sequence[ImageFile]) -> None:
    """Refuse images of the same name, of which one would stand for the other.

    Parameters
    ----------
    images
        Any.

    Raises
    ------
    InputError
        If two have the same stem; all of them are named.
    """
    by_stem: dict[str, list[Path]] = {}
    for file in images:
        by_stem.setdefault(file.stem, []).append(file.path)
    faults = [
        InputError(f"{stem}: {' and '.join(map(str, paths))}")
        for stem, paths in by_stem.items()
        if len(paths) > 1
    ]
    if faults:
        raise_together(
            faults,
            what=f"{len(faults)} names stand for more than one image",
            remedy="Results are told apart by the name without its ending: rename files, or give a narrower "
            "pattern",
        )
