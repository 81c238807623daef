"""What every processing step of a package is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from veriscope.core.settings import Settings

__all__ = ["ProcessingStep"]


class ProcessingStep(Settings):
    """One step, with its options."""

    def apply(
        self, values: NDArray[Any], axes: Sequence[str], references: Mapping[str, NDArray[Any]]
    ) -> NDArray[Any]:
        """Transform an array.

        Parameters
        ----------
        values
            Any shape.
        axes
            Name of each of its axes.
        references
            Other tensors by their ids: inputs before preprocessing, and outputs that are done.

        Returns
        -------
        numpy.ndarray
            A new array; the one given is not changed.
        """
        raise NotImplementedError
