"""What more annotated objects would bring: trainings on parts of them, and where to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split
from veriscope.training.judging.judge import Judge
from veriscope.training.loop.learn import Prepared, learn
from veriscope.training.loop.lesson import Lesson
from veriscope.validate.candidates import Candidates
from veriscope.validate.statistics import Interval, jackknife_interval, leave_one_out

__all__ = ["expected_gain", "learning_curve", "nested_parts"]

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the annotated objects, at each point of the curve."""
TIME = 0.25
"""Of the time or steps of the training, at each point: all points get the same."""
MORE = 50
"""Objects of which the gain is told."""
WORTH = 0.01
"""Gain below which annotating more is not worth it: one point."""
FloatArray = NDArray[np.float64]


def learning_curve(
    lesson: Lesson,
    train: Sequence[Sequence[Prepared]],
    val: Sequence[Prepared],
    split: Split,
    judge: Judge,
    predict_from: Callable[[Any], Any],
    work: Path,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train on nested parts of the images, judge each on the validation images, and tell what more brings.

    Parameters
    ----------
    lesson
        What is learned, and how.
    train
        What each of the images of the split to learn from was prepared to: itself, or planes of a stack.
    val
        The same of those to choose by, all together.
    split
        The images; the locked ones are not used.
    judge
        Gives the metric.
    predict_from
        Gives the function that predicts with a trained network.
    work
        Folder for checkpoints.
    progress
        Told how far each training is.
    say
        Told what had to be changed on the way.

    Returns
    -------
    dict
        ``points`` (objects, images, metric with interval), ``gain`` of 50 more objects with interval,
        ``advice`` (``stop``, ``go on`` or ``cannot tell``) and ``sentence``.

    Raises
    ------
    InputError
        If there are fewer than three groups to learn from.
    """
    parts = nested_parts(split.train, seed=lesson.settings.seed)
    rows: dict[str, list[Any]] = {}
    counts = []
    for number, chosen in enumerate(parts, start=1):
        learned = learn(
            lesson,
            [one for i in chosen for one in train[i]],
            val,
            checkpoint=work / f"curve-{number}.pt",
            share=TIME,
            progress=progress,
            say=say,
            stage=f"curve {number} of {len(parts)}",
        )
        objects = sum(split.train[i].n_objects for i in chosen)
        counts.append((objects, len(chosen)))
        rows[str(number)] = judge.count(predict_from(learned.network), split.val, silent)
    candidates = judge.candidates(rows)
    gain = expected_gain(candidates, [objects for objects, _ in counts])
    advice = _advice(gain)
    return {
        "metric": judge.metric,
        "judged_on": "validation images",
        "points": [
            {"objects": objects, "images": images, "found": judge.figures(of)[judge.metric].to_dict()}
            for (objects, images), of in zip(counts, rows.values(), strict=True)
        ],
        "more_objects": MORE,
        "gain": gain.to_dict(),
        "advice": advice,
        "sentence": _sentence(gain, judge.metric, advice),
    }


def nested_parts(pairs: Sequence[LabelledImage], *, seed: int = 0) -> list[list[int]]:
    """Choose parts of the training images, each with the one before in it, by whole groups.

    Parameters
    ----------
    pairs
        Training images.
    seed
        Of the order of the groups.

    Returns
    -------
    list of list of int
        Positions of the images of each part, ascending; the last has all.

    Raises
    ------
    InputError
        If groups are too few for three parts of different size.
    """
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    order = [groups[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    objects = {group: sum(pair.n_objects for pair in pairs if pair.group == group) for group in groups}
    # Those without objects come last: a part must have something to learn from.
    order.sort(key=lambda group: objects[group] == 0)
    reached = np.cumsum([objects[group] for group in order])
    sizes = sorted({int(np.searchsorted(reached, share * reached[-1] - 1e-9)) + 1 for share in SHARES[:-1]})
    sizes = [size for size in sizes if size < len(groups)] + [len(groups)]
    if len(sizes) < 3:
        raise InputError(
            f"a learning curve needs at least three parts of the images, and there are {len(groups)} "
            "groups to learn from; annotate more fields, or leave out --learning-curve"
        )
    return [[i for i, pair in enumerate(pairs) if pair.group in set(order[:size])] for size in sizes]


def expected_gain(
    candidates: Candidates, objects: Sequence[int], *, more: int = MORE, level: float = 0.95
) -> Interval:
    """Tell what more objects would bring, from a power law through the points.

    The error, 1 - metric, falls as a power of the number of objects; the line is fitted to logarithms, at
    all points together with each group of validation images left out in turn, so that what the points share
    does not count as noise.

    Parameters
    ----------
    candidates
        Networks trained on more and more objects, judged on the same images.
    objects
        Number of objects of each.
    more
        Objects to be added to the most.
    level
        Of the interval.

    Returns
    -------
    Interval
        Gain of the metric, 0.01 is one point; negative where more objects made it worse.
    """
    x = np.log(np.maximum(np.asarray(objects, float), 1))
    m, _, c = candidates.independent_rows.shape
    joined = np.concatenate(list(candidates.independent_rows), axis=1)

    def gain(sums: FloatArray) -> FloatArray:
        values = np.stack([candidates.function(sums[..., i * c : (i + 1) * c]) for i in range(m)], axis=-1)
        error = np.log(np.clip(1 - values, 1e-4, 1.0))
        centred = x - x.mean()
        slope = (error * centred).sum(-1) / (centred**2).sum()
        at_most = error.mean(-1) + slope * (x[-1] - x.mean())
        after = at_most + slope * (np.log(objects[-1] + more) - x[-1])
        return np.asarray(np.exp(at_most) - np.exp(after))

    value, left_out = leave_one_out(joined, gain)
    sizes = sum(candidates.sizes(rows) for rows in candidates.independent_rows)
    return jackknife_interval(
        value,
        left_out,
        np.asarray(sizes),
        level=level,
        bounds=(-1.0, 1.0),
        scale="linear",
        unit=candidates.unit,
        aggregation=candidates.aggregation,
    )


def _advice(gain: Interval) -> str:
    if gain.low is None or gain.high is None:
        return "cannot tell"
    if gain.high < WORTH:
        return "stop"
    return "go on" if gain.low > WORTH else "cannot tell"


def _sentence(gain: Interval, metric: str, advice: str) -> str:
    points = f"{MORE} more annotated objects would gain about {100 * gain.value:.1f} points of {metric}"
    span = (
        "no interval can be given from so few groups"
        if gain.low is None or gain.high is None
        else f"95 % interval {100 * gain.low:.1f} to {100 * gain.high:.1f}"
    )
    meaning = {
        "stop": "annotating more is not worth it",
        "go on": "annotating more is worth it",
        "cannot tell": "whether annotating more is worth it cannot be told",
    }[advice]
    return f"{points} ({span}): {meaning}"
