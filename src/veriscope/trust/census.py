"""The answer where every tile was annotated: nothing is estimated."""

from __future__ import annotations

import math

from veriscope.trust.estimate import Estimate

__all__ = ["census"]


def census(total: float, *, denominator: float = 1.0, n: int, level: float = 0.9) -> Estimate:
    """Give the answer from the references of all tiles of a group.

    Parameters
    ----------
    total
        Sum of the numerator over all tiles, by the person.
    denominator
        What it is divided by: the sum of the denominator by the person, the imaged area, or 1.
    n
        Number of tiles.
    level
        Recorded with the estimate; the interval has no width at any level.

    Returns
    -------
    Estimate
        Estimator ``census``, with both ends at the value; ``cannot-tell`` if there is nothing to average.
    """
    if denominator <= 0:
        nan = math.nan
        reason = "All tiles are annotated and none holds an object, so there is nothing to average."
        return Estimate(nan, nan, nan, level, "census", n, nan, status="cannot-tell", reason=reason)
    value = total / denominator
    assumed = (
        "All tiles were annotated, so nothing is estimated and the interval has no width.",
        "The annotations are right: errors of the annotator are not in the interval.",
        "The answer is about these images; other samples of the same kind may differ.",
    )
    return Estimate(value, value, value, level, "census", n, math.inf, assumed, standard_error=0.0)
