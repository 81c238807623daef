"""What the comparison asks of each kind of problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from veriscope.validate.candidates import Candidates
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.workflow.comparison.cases import Case

__all__ = ["ImageTask", "Judge", "Judged"]


class Judge(Protocol):
    """How what was found in each image becomes metrics."""

    usual: str
    """Metric to rank by where none of the recommended ones can be."""
    notes: list[str]
    """What a user should check in the files; grows while reading."""

    def summarise(self, units: Sequence[Any], *, unit: str) -> dict[str, Any]:
        """Give the metrics of all images.

        Parameters
        ----------
        units
            What was found, one entry per image.
        unit
            What the unit of intervals is.

        Returns
        -------
        dict
            ``n_images``, ``metrics``, ``metrics_per_image`` and ``images``.
        """

    def rankable(self, units: Sequence[Any]) -> tuple[str, ...]:
        """Name the metrics that candidates can be ranked by.

        Parameters
        ----------
        units
            What was found, one entry per image.

        Returns
        -------
        tuple of str
            Keys.
        """

    def candidates(self, units: Mapping[str, Sequence[Any]], *, metric: str, unit: str) -> Candidates:
        """Give what a ranking by one of them is made of.

        Parameters
        ----------
        units
            What was found, one entry per image, by candidate.
        metric
            One of `rankable`.
        unit
            What the unit of intervals is.

        Returns
        -------
        Candidates
            Sums or values of each image.
        """


class ImageTask(Judge, Protocol):
    """A kind of problem whose references and predictions are image files, one of each per image."""

    answers: dict[str, Any]
    """Items of the fingerprint that are known from the task."""

    def read(self, path: Path) -> Any:
        """Read a file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        object
            What `judge` takes.

        Raises
        ------
        VeriscopeError
            If it is of another kind; the message names it.
        """

    def judge(self, case: Case, reference: Any, prediction: Any) -> Any:
        """Judge one image.

        Parameters
        ----------
        case
            The image.
        reference, prediction
            As from `read`.

        Returns
        -------
        object
            What `summarise` takes.
        """

    def objects(self, file: Any) -> NDArray[Any] | None:
        """Give the label image that a fingerprint is measured from.

        Parameters
        ----------
        file
            As from `read`.

        Returns
        -------
        numpy.ndarray or None
            Labels; None: nothing is to be measured.
        """


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in every image of every candidate.

    Parameters
    ----------
    judge
        Makes metrics of it.
    units
        One entry per image, the same images for each candidate.
    fingerprint
        What is known of the problem.
    references_without_prediction
        Images left out because a candidate has none.
    predictions_without_reference
        Images left out, by candidate.
    """

    judge: Judge
    units: Mapping[str, Sequence[Any]]
    fingerprint: Fingerprint
    references_without_prediction: Sequence[str]
    predictions_without_reference: Mapping[str, Sequence[str]]
