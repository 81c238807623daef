"""Tables of classes: which image belongs to which, and what is known of the problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.errors import TableError, VeriscopeError, raise_together
from veriscope.io.image_tables import ClassTable, read_class_table
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import LIMITS
from veriscope.workflow.comparison.cases import candidate_names, clusters_of, open_all
from veriscope.workflow.comparison.classification import Classes, ClassUnit
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.comparison.task import Judged

__all__ = ["judge_classes"]

_ROUNDED = 0.006
"""How far a stated probability may be off because it was rounded to two digits."""


def judge_classes(
    references: str | Path,
    predictions: Sequence[str | Path],
    options: CompareOptions,
    *,
    groups: str | Path | None = None,
    partial: bool = False,
    progress: Progress = silent,
) -> Judged:
    """Pair the images of tables of classes.

    Parameters
    ----------
    references
        Table with the class of each image.
    predictions
        Table of each candidate: class, probabilities (columns ``p_CLASS``), or both.
    options
        Settings of the comparison; ``classes`` gives the order of ordered classes.
    groups
        Sample sheet whose replicates are the units of intervals.
    partial
        Leave out images that a candidate has no row for.
    progress
        Told when all is done; tables are small.

    Returns
    -------
    Judged
        One entry per image.

    Raises
    ------
    TableError
        If images or classes do not fit; all faults together.
    """
    candidates = candidate_names(predictions)
    truth, *others = open_all([references, *predictions], read_class_table)
    if truth.classes is None:
        raise TableError(f"{references}: references need a column class")
    tables = dict(zip(candidates, others, strict=True))
    names = options.classes or _all_classes(truth, tables)
    shared = [stem for stem in truth.stems if all(stem in table.stems for table in tables.values())]
    faults = [
        fault for name, table in tables.items() for fault in _faults(name, table, truth, names, partial)
    ]
    strange = sorted(set(truth.classes) - set(names))
    if strange:
        faults.append(
            TableError(
                f"{references}: classes {', '.join(strange)} are not among {', '.join(names)}; name all of "
                "them"
            )
        )
    if not shared and not faults:
        faults.append(TableError("no image has both a reference and a prediction; images go by their names"))
    raise_together(faults, what=f"{len(faults)} faults in the tables")
    clusters = clusters_of(shared, groups)
    known = dict(zip(truth.stems, truth.classes, strict=True))
    units = {name: _units(table, shared, known, names, clusters) for name, table in tables.items()}
    judge = Classes(names, ordered=options.classes is not None, options=options)
    if unseen := [name for name in names if name not in {known[stem] for stem in shared}]:
        judge.notes.append(
            f"no reference is of class {', '.join(unseen)}: check the spelling, and read the metrics of "
            "these classes with care"
        )
    progress("compare", 1, 1)
    return Judged(
        judge=judge,
        units=units,
        fingerprint=_fingerprint([known[stem] for stem in shared], tables, clusters, options),
        references_without_prediction=[stem for stem in truth.stems if stem not in set(shared)],
        predictions_without_reference={
            name: [stem for stem in table.stems if stem not in known] for name, table in tables.items()
        },
    )


def _faults(
    name: str, table: ClassTable, truth: ClassTable, names: Sequence[str], partial: bool
) -> list[VeriscopeError]:
    found: list[VeriscopeError] = []
    missing = [stem for stem in truth.stems if stem not in set(table.stems)]
    if missing and not partial:
        found.append(
            TableError(
                f"{name}: has no row for {len(missing)} of {len(truth.stems)} images "
                f"({', '.join(missing[:10])}); add them, or compare only what is there with --partial"
            )
        )
    if table.probabilities and set(table.probabilities) != set(names):
        found.append(
            TableError(
                f"{name}: states probabilities of {', '.join(sorted(table.probabilities))}; "
                f"needed are columns p_CLASS of {', '.join(names)}"
            )
        )
    elif table.probabilities:
        sums = np.sum(list(table.probabilities.values()), axis=0)
        off = np.flatnonzero(np.abs(sums - 1) > _ROUNDED * len(names))
        if len(off):
            found.append(
                TableError(
                    f"{name}: the probabilities of {len(off)} of {len(table.stems)} images do not sum to 1, "
                    f"the first is {table.stems[off[0]]} with {sums[off[0]]:.3g}; state one for each class"
                )
            )
    strange = sorted(set(table.classes or ()) - set(names))
    if strange:
        found.append(
            TableError(
                f"{name}: predicts {', '.join(strange)}, not among {', '.join(names)}; name classes alike"
            )
        )
    return found


def _all_classes(truth: ClassTable, tables: Mapping[str, ClassTable]) -> tuple[str, ...]:
    """Name the classes that occur anywhere: a few references need not show every class."""
    found = set(truth.classes or ())
    for table in tables.values():
        found |= set(table.classes or ()) | set(table.probabilities)
    return tuple(sorted(found))


def _units(
    table: ClassTable,
    stems: Sequence[str],
    known: Mapping[str, str],
    names: Sequence[str],
    clusters: Mapping[str, str],
) -> list[ClassUnit]:
    rows = {stem: row for row, stem in enumerate(table.stems)}
    found = []
    for stem in stems:
        row = rows[stem]
        stated = (
            tuple(float(table.probabilities[name][row]) for name in names) if table.probabilities else None
        )
        if stated is not None:
            total = sum(stated)
            stated = tuple(value / total for value in stated)  # undo the rounding of a table
        # Both tables were checked: one of the two is there.
        number = names.index(table.classes[row]) if table.classes else int(np.argmax(stated or ()))
        found.append(ClassUnit(stem, clusters.get(stem), names.index(known[stem]), number, stated))
    return found


def _fingerprint(
    classes: Sequence[str],
    tables: Mapping[str, ClassTable],
    clusters: Mapping[str, str],
    options: CompareOptions,
) -> Fingerprint:
    shares = np.unique(np.asarray(classes), return_counts=True)[1] / len(classes)
    known: dict[str, object] = {
        "category": "classification",
        "classes": "ordinal" if options.classes else "unordered" if len(shares) > 2 else "one",
        "class_imbalance": bool(shares.min() < LIMITS["class_imbalance"]),
        "scores_available": all(table.probabilities for table in tables.values()),
    }
    if clusters:
        known["dependent_cases"] = len(set(clusters.values())) < len(clusters)
    return Fingerprint.parse(known, where="the problem")
