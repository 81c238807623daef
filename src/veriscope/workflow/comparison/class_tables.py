"""Tables of classes: which image belongs to which, and what is known of the problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from veriscope.errors import TableError, VeriscopeError, raise_together
from veriscope.io.image_tables import ClassTable, read_class_table
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import LIMITS
from veriscope.workflow.comparison.cases import candidate_names, clusters_of
from veriscope.workflow.comparison.classification import Classes, ClassUnit
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.comparison.task import Judged

__all__ = ["judge_classes"]


def judge_classes(
    references: str | Path,
    predictions: Sequence[str | Path],
    options: CompareOptions,
    *,
    groups: str | Path | None = None,
    partial: bool = False,
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

    Returns
    -------
    Judged
        One entry per image.

    Raises
    ------
    TableError
        If images or classes do not fit; all faults together.
    """
    truth = read_class_table(references)
    if truth.classes is None:
        raise TableError(f"{references}: references need a column class")
    tables = dict(zip(candidate_names(predictions), map(read_class_table, predictions), strict=True))
    names = options.classes or tuple(sorted(set(truth.classes)))
    shared = [stem for stem in truth.stems if all(stem in table.stems for table in tables.values())]
    faults = [
        fault for name, table in tables.items() for fault in _faults(name, table, truth, names, partial)
    ]
    strange = sorted(set(truth.classes) - set(names))
    if strange:
        faults.append(
            TableError(f"{references}: classes {', '.join(strange)} are not among {', '.join(names)}")
        )
    if not shared and not faults:
        faults.append(TableError("no image has both a reference and a prediction; images go by their names"))
    raise_together(faults, what=f"{len(faults)} faults in the tables")
    clusters = clusters_of(shared, groups)
    known = dict(zip(truth.stems, truth.classes, strict=True))
    units = {name: _units(table, shared, known, names, clusters) for name, table in tables.items()}
    return Judged(
        judge=Classes(names, ordered=options.classes is not None, options=options),
        units=units,
        fingerprint=_fingerprint(truth.classes, tables, ordered=options.classes is not None, options=options),
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
                f"{name}: has no row for {len(missing)} images ({', '.join(missing[:10])}); "
                "add them, or --partial"
            )
        )
    if table.probabilities and set(table.probabilities) != set(names):
        found.append(
            TableError(
                f"{name}: states probabilities of {', '.join(sorted(table.probabilities))}; "
                f"needed are columns p_CLASS of {', '.join(names)}"
            )
        )
    strange = sorted(set(table.classes or ()) - set(names))
    if strange:
        found.append(
            TableError(f"{name}: predicts {', '.join(strange)}, not among the reference's {', '.join(names)}")
        )
    return found


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
        # Both tables were checked: one of the two is there.
        number = names.index(table.classes[row]) if table.classes else int(np.argmax(stated or ()))
        found.append(ClassUnit(stem, clusters.get(stem), names.index(known[stem]), number, stated))
    return found


def _fingerprint(
    classes: Sequence[str], tables: Mapping[str, ClassTable], *, ordered: bool, options: CompareOptions
) -> Fingerprint:
    shares = np.unique(np.asarray(classes), return_counts=True)[1] / len(classes)
    known = {
        "category": "classification",
        "classes": "ordinal" if ordered else "unordered" if len(shares) > 2 else "one",
        "class_imbalance": bool(shares.min() < LIMITS["class_imbalance"]),
        "scores_available": all(table.probabilities for table in tables.values()),
        "costlier_error": options.costlier_error,
    }
    return Fingerprint.parse(known, where="the problem")
