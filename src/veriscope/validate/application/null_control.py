"""Whether predictions show differences where there are none: replicates of one group against each other.

Replicates of a group are split into two parts in every way, and the units of one part are tested against
those of the other, with references and with predictions. Replicates do differ, so the references give some
"discoveries" as well; what a model adds to these is made by errors that differ from replicate to replicate,
such as by staining or focus. Whether errors do is tested by permuting them among the units of a group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from veriscope.validate.application.result import Check, Figure, Status, plural, shown
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.statistics import Interval

__all__ = ["check_null_control", "error_depends_on_replicate", "false_discovery_rate"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_MOST_SPLITS = 500


def check_null_control(
    table: ApplicationTable, *, tolerance: float, relative: bool, settings: ApplicationSettings
) -> Check:
    """Check that comparing like with like shows no more in predictions than in references.

    Parameters
    ----------
    table
        Values of units.
    tolerance
        Not used: nothing should show, however small.
    relative
        Errors are what is left of the prediction after the reference times the group's mean ratio,
        instead of differences.
    settings
        Options.

    Returns
    -------
    Check
        The figure is the share of comparisons with p < alpha in predictions less that in references.
        Fails if it is above `null_excess`, by more than one comparison, and errors depend on the
        replicate (permutation test at alpha). Holds if it is not above `null_excess`. "cannot tell"
        otherwise, with fewer than three replicates in every group, with one unit per replicate, or with
        fewer than three comparisons.
    """
    level, alpha, name = 1 - settings.alpha, settings.alpha, settings.replicate
    rates = false_discovery_rate(table, alpha=alpha, seed=settings.seed)
    sizes = np.bincount(table.replicate)
    replicates = np.bincount(table.group)
    n_splits = rates[2]

    def share(value: float) -> Interval:
        return Interval(value, None, None, level, n_splits, "comparison", "mean", "all comparisons of parts")

    if max(replicates) < 3 or max(sizes) < 2 or n_splits < 3:
        need = f"three {plural(name)} of a group, with two {plural(settings.unit)} or more in each"
        return Check("null_control", "cannot tell", f"Comparing like with like needs {need}.", unit=name)
    p_value = error_depends_on_replicate(
        table, relative=relative, n_permutations=settings.n_permutations, seed=settings.seed
    )
    excess = rates[1] - rates[0]
    status: Status = "holds" if excess <= settings.null_excess else "cannot tell"
    if status == "cannot tell" and p_value < alpha and round(excess * n_splits) > 1:
        status = "fails"
    told = (
        f"parts of one group differ in {shown(rates[1], relative=True)} of {n_splits} comparisons with "
        f"predictions and in {shown(rates[0], relative=True)} with references"
    )
    closing = {
        "holds": "",
        "fails": f": the model's errors differ from {name} to {name}",
        "cannot tell": f", but it is open whether the model's errors differ from {name} to {name}",
    }[status]
    return Check(
        name="null_control",
        status=status,
        sentence=f"Where nothing should show, {told}{closing}.",
        figure=Figure("false discoveries in predictions less in references", share(excess), p_value),
        allowed=(-1.0, settings.null_excess),
        figures=(
            Figure("false discoveries in references", share(rates[0])),
            Figure("false discoveries in predictions", share(rates[1])),
        ),
        n=len(table.replicates),
        unit=name,
    )


def false_discovery_rate(table: ApplicationTable, *, alpha: float, seed: int) -> tuple[float, float, int]:
    """Compare parts of the replicates of each group, unit by unit (Welch's t test).

    Parameters
    ----------
    table
        Values of units.
    alpha
        Level of each test.
    seed
        Seed of the choice among more than 500 splits of a group.

    Returns
    -------
    tuple
        Share of comparisons with p < alpha in references, the same in predictions, and their number; NaN
        where there is none.
    """
    rng = np.random.default_rng(seed)
    found: list[FloatArray] = []
    for group in range(len(table.groups)):
        members = np.flatnonzero(table.group == group)
        parts = _splits(len(members), rng)
        if not len(parts):
            continue
        p_values = [
            _welch(_sums(values, table.replicate, members), parts)
            for values in (table.reference, table.prediction)
        ]
        found.append(np.stack(p_values))
    p_all: FloatArray = np.concatenate(found, axis=1) if found else np.empty((2, 0))
    p_all = p_all[:, np.isfinite(p_all).all(axis=0)]
    if not p_all.shape[1]:
        return float("nan"), float("nan"), 0
    references, predictions = (p_all < alpha).mean(axis=1)
    return float(references), float(predictions), p_all.shape[1]


def error_depends_on_replicate(
    table: ApplicationTable, *, relative: bool, n_permutations: int, seed: int
) -> float:
    """Test by permutation whether errors differ between the replicates of a group.

    Parameters
    ----------
    table
        Values of units.
    relative
        As in `check_null_control`.
    n_permutations
        Number of permutations.
    seed
        Their seed.

    Returns
    -------
    float
        Share of permutations of the errors among the units of each group (and of the data themselves) in
        which replicates differ at least as much: sum of squares between replicates.
    """
    rng = np.random.default_rng(seed)
    observed, permuted = 0.0, np.zeros(n_permutations)
    for group in range(len(table.groups)):
        units = np.flatnonzero(table.unit_group == group)
        reference, prediction = table.reference[units], table.prediction[units]
        ratio = prediction.sum() / reference.sum() if relative else 1.0
        errors = prediction - ratio * reference
        errors = errors - errors.mean()
        _, index, sizes = np.unique(table.replicate[units], return_inverse=True, return_counts=True)
        members = np.eye(len(sizes))[index]
        observed += float(((errors @ members) ** 2 / sizes).sum())
        drawn = np.array([rng.permutation(errors) @ members for _ in range(n_permutations)])
        permuted += (drawn**2 / sizes).sum(axis=1)
    reached = permuted >= observed * (1 - 1e-9)
    return float((1 + reached.sum()) / (1 + n_permutations))


def _splits(k: int, rng: np.random.Generator) -> FloatArray:
    """Give ways to split k replicates into two parts, 1 for the first part, shape (n, k)."""
    n_all = 2 ** (k - 1) - 1
    if n_all <= _MOST_SPLITS:
        # The last replicate is always in the second part, so that no split comes twice.
        chosen = np.arange(1, n_all + 1)[:, None] >> np.arange(k) & 1
    else:
        chosen = rng.integers(0, 2, (_MOST_SPLITS, k))
        chosen = chosen[(chosen.sum(axis=1) > 0) & (chosen.sum(axis=1) < k)]
    return chosen.astype(np.float64)


def _sums(values: FloatArray, replicate: IntArray, members: IntArray) -> FloatArray:
    """Give number, sum and sum of squares of the units of each replicate, shape (k, 3)."""
    centred = values - values[np.isin(replicate, members)].mean()
    sums = [np.bincount(replicate, weights=part) for part in (np.ones_like(centred), centred, centred**2)]
    return np.stack(sums, axis=1).astype(np.float64)[members]


def _welch(sums: FloatArray, parts: FloatArray) -> FloatArray:
    """Give two-sided p values of Welch's t test of one part against the other; NaN below two units."""
    sides = [part @ sums for part in (parts, 1.0 - parts)]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [side[:, 1] / side[:, 0] for side in sides]
        squares = [side[:, 2] - side[:, 0] * mean**2 for side, mean in zip(sides, means, strict=True)]
        errors = [
            np.maximum(square, 0) / (side[:, 0] - 1) / side[:, 0]
            for side, square in zip(sides, squares, strict=True)
        ]
        total = errors[0] + errors[1]
        freedom = total**2 / sum(
            error**2 / (side[:, 0] - 1) for error, side in zip(errors, sides, strict=True)
        )
        t = np.abs(means[0] - means[1]) / np.sqrt(total)
    p_values = 2 * special.stdtr(freedom, -t)
    flat = total == 0  # no spread at all: equal means say nothing, different ones everything
    p_values[flat] = np.where(means[0][flat] == means[1][flat], 1.0, 0.0)
    return np.asarray(p_values)
