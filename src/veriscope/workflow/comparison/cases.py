"""Which prediction of which candidate belongs to which reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from veriscope.core.words import counted, few, joined
from veriscope.errors import InputError, TableError, VeriscopeError, raise_together
from veriscope.io.file_images import file_stem
from veriscope.io.folders import find_images
from veriscope.io.sheets import composed
from veriscope.workflow.sheet import Assignment, read_sheet

__all__ = ["Case", "Cases", "candidate_names", "clusters_of", "find_cases", "open_all", "require_one_unit"]

_Opened = TypeVar("_Opened")


@dataclass(frozen=True, slots=True)
class Case:
    """One image with its reference and the prediction of each candidate.

    Parameters
    ----------
    stem
        Name of the image, that all files share.
    reference
        File of the reference.
    predictions
        File of each candidate, by its name.
    cluster
        Replicate that the image belongs to; None: each image is its own.
    group
        Its group; None: all images are one.
    """

    stem: str
    reference: Path
    predictions: Mapping[str, Path]
    cluster: str | None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Cases:
    """What is compared.

    Parameters
    ----------
    names
        Candidates, in the order given.
    cases
        One per image.
    references_without_prediction
        Stems left out because a candidate has none.
    predictions_without_reference
        Stems left out, by candidate.
    """

    names: tuple[str, ...]
    cases: tuple[Case, ...]
    references_without_prediction: tuple[str, ...]
    predictions_without_reference: Mapping[str, tuple[str, ...]]

    @property
    def clusters(self) -> tuple[str, ...] | None:
        """Replicate of each image; None if images are their own."""
        found = tuple(case.cluster for case in self.cases if case.cluster is not None)
        return found or None


def candidate_names(paths: Sequence[str | Path]) -> tuple[str, ...]:
    """Name candidates by their folders or files, as shortly as tells them apart.

    Parameters
    ----------
    paths
        One per candidate.

    Returns
    -------
    tuple of str
        The last part of each path, or as many more as are needed.

    Raises
    ------
    InputError
        If the same path is given twice.
    """
    places = [Path(path).resolve() for path in paths]
    if twice := [str(path) for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise InputError(
            f"the same predictions are given twice ({', '.join(twice)}); give each candidate once"
        )
    parts = [Path(path).absolute().parts for path in paths]
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return tuple("/".join(part[-depth:]) for part in parts)


def clusters_of(stems: Sequence[str], groups: str | Path | None) -> dict[str, str]:
    """Look up the replicate of each image in a sample sheet.

    Parameters
    ----------
    stems
        Names of the images.
    groups
        The sheet, or None.

    Returns
    -------
    dict
        Name of the replicate by stem, from `veriscope.core.words.joined`; empty without a sheet.

    Raises
    ------
    TableError
        If the sheet lacks images.
    """
    return {stem: joined(row.group, row.replicate) for stem, row in _assigned(stems, groups).items()}


def _assigned(stems: Sequence[str], groups: str | Path | None) -> dict[str, Assignment]:
    """Look up the row of each image, or of its file, in a sample sheet; none without a sheet."""
    if groups is None:
        return {}
    sheet = {composed(stem): row for stem, row in read_sheet(Path(groups)).items()}
    found = {stem: sheet.get(composed(stem)) or sheet.get(file_stem(composed(stem))) for stem in stems}
    missing = [stem for stem, row in found.items() if row is None]
    if missing:
        raise TableError(f"{groups}: has no row for {', '.join(missing[:10])}; add them")
    return {stem: row for stem, row in found.items() if row is not None}


def find_cases(
    references: str | Path,
    predictions: Sequence[str | Path],
    *,
    groups: str | Path | None = None,
    partial: bool = False,
) -> Cases:
    """Pair references with the predictions of all candidates by their names.

    Parameters
    ----------
    references
        Folder, pattern or file of the references.
    predictions
        The same of each candidate. Predictions without a reference are left out and named.
    groups
        Sample sheet whose replicates are the units of intervals.
    partial
        Leave out images that a candidate has no prediction of, for all candidates alike.

    Returns
    -------
    Cases
        Images that all candidates have, in the order of the references.

    Raises
    ------
    InputError
        If nothing fits, or a reference has no prediction and `partial` is false; all faults together.
    """
    names = candidate_names(predictions)
    known, *others = open_all([references, *predictions], find_images)
    found = {
        name: {file.stem: file.path for file in files} for name, files in zip(names, others, strict=True)
    }
    stems = [file.stem for file in known]
    shared = [stem for stem in stems if all(stem in files for files in found.values())]
    _require_complete(stems, found, partial=partial and bool(shared))
    rows = _assigned(shared, groups)
    files = {file.stem: file.path for file in known}
    return Cases(
        names=names,
        cases=tuple(
            Case(
                stem=stem,
                reference=files[stem],
                predictions={name: found[name][stem] for name in names},
                cluster=joined(rows[stem].group, rows[stem].replicate) if stem in rows else None,
                group=rows[stem].group if stem in rows else None,
            )
            for stem in shared
        ),
        references_without_prediction=tuple(stem for stem in stems if stem not in set(shared)),
        predictions_without_reference={
            name: tuple(stem for stem in items if stem not in files) for name, items in found.items()
        },
    )


def open_all(paths: Sequence[str | Path], opener: Callable[[str | Path], _Opened]) -> list[_Opened]:
    """Open references and predictions, and tell all that cannot be opened at once.

    Parameters
    ----------
    paths
        Folders, patterns or files.
    opener
        Opens one of them.

    Returns
    -------
    list
        What each gave.

    Raises
    ------
    VeriscopeError
        If some cannot be opened; all are named.
    """
    found: list[_Opened] = []
    faults: list[VeriscopeError] = []
    for path in paths:
        try:
            found.append(opener(path))
        except VeriscopeError as error:
            faults.append(error)
    raise_together(faults, what=f"{len(faults)} of {len(paths)} sources cannot be used")
    return found


def require_one_unit(calibrated: Mapping[str, bool]) -> None:
    """Refuse distances of which some are in µm and some in pixels: their mean is neither.

    Parameters
    ----------
    calibrated
        By image, whether its pixel size is known.

    Raises
    ------
    InputError
        If it is of some and not of others.
    """
    without = [name for name, known in calibrated.items() if not known]
    if 0 < len(without) < len(calibrated):
        raise InputError(
            f"{counted(len(calibrated) - len(without), 'reference has', 'references have')} a pixel size and "
            f"{len(without)} {'has' if len(without) == 1 else 'have'} none "
            f"({few(without)}); give it for all with --spacing, so that distances can be compared"
        )


def _require_complete(
    stems: Sequence[str], found: Mapping[str, Mapping[str, Path]], *, partial: bool
) -> None:
    faults: list[VeriscopeError] = []
    for name, files in found.items():
        missing = [stem for stem in stems if stem not in files]
        extra = [stem for stem in files if stem not in set(stems)]
        if not missing or partial:
            continue
        if len(missing) == len(stems):
            faults.append(
                InputError(
                    f"{name}: 0 of {len(stems)} references and {counted(len(files), 'prediction')} fit by "
                    f"name (references: {few(stems)}; predictions: {few(extra)}). Files belong together if "
                    "their names without the ending are equal: rename them"
                )
            )
        else:
            other = f"; predictions without a reference: {few(extra)}" if extra else ""
            faults.append(
                InputError(
                    f"{name}: {len(missing)} of {len(stems)} references have no prediction of the same name "
                    f"({few(missing)}){other}; add them, or compare only what is there with --partial"
                )
            )
    raise_together(faults, what=f"{len(faults)} of {len(found)} candidates do not fit the references")
