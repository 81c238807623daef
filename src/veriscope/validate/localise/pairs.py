"""Pairs of a reference and a predicted object that may belong together, and how well each pair fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError, ShapeMismatchError

__all__ = ["CandidatePairs"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CandidatePairs:
    """Sparse list of pairs of one image; pairs that are not in it do not fit at all.

    Parameters
    ----------
    criterion
        What `fits` is, such as ``"box_iou"``.
    n_reference, n_prediction
        Number of objects of each side, those without a candidate included.
    pairs
        Shape (n, 2): positions of the reference and of the predicted object, each pair once, sorted.
    fits
        Shape (n,): how well the pair fits, higher is better: an overlap from 0 to 1, or minus a distance.
    """

    criterion: str
    n_reference: int
    n_prediction: int
    pairs: IntArray
    fits: FloatArray

    @classmethod
    def sort(
        cls,
        criterion: str,
        sizes: tuple[int, int],
        reference: NDArray[np.integer],
        prediction: NDArray[np.integer],
        fits: FloatArray,
    ) -> CandidatePairs:
        """Make candidates from columns in any order.

        Parameters
        ----------
        criterion
            What `fits` is.
        sizes
            Number of objects of the reference and of the prediction.
        reference, prediction
            Shape (n,): position of the object of either side.
        fits
            Shape (n,).

        Returns
        -------
        CandidatePairs
            The same pairs, sorted.
        """
        order = np.lexsort((prediction, reference))
        pairs = np.stack([reference[order], prediction[order]], axis=1).astype(np.int64)
        return cls(criterion, *sizes, pairs, np.asarray(fits, dtype=np.float64)[order])

    def at_least(self, threshold: float) -> CandidatePairs:
        """Keep the pairs that fit well enough.

        Parameters
        ----------
        threshold
            Smallest fit of a pair that is kept; a fit equal to it is enough.

        Returns
        -------
        CandidatePairs
            Of the same objects.

        Raises
        ------
        InputError
            If the threshold is NaN.
        """
        if np.isnan(threshold):
            raise InputError(f"threshold {threshold!r} is not allowed; use a number")
        return self._keep(self.fits >= threshold)

    def same_class(self, reference_classes: ArrayLike, prediction_classes: ArrayLike) -> CandidatePairs:
        """Keep the pairs of one class.

        Parameters
        ----------
        reference_classes, prediction_classes
            Class of each object, shapes (n_reference,) and (n_prediction,).

        Returns
        -------
        CandidatePairs
            Of the same objects.

        Raises
        ------
        ShapeMismatchError
            If there is not one class per object.
        """
        classes = np.asarray(reference_classes), np.asarray(prediction_classes)
        for found, wanted, side in zip(
            classes, (self.n_reference, self.n_prediction), ("reference", "prediction"), strict=True
        ):
            if found.shape != (wanted,):
                raise ShapeMismatchError(
                    f"classes of the {side} have shape {found.shape} for {wanted} objects; give one for each"
                )
        return self._keep(classes[0][self.pairs[:, 0]] == classes[1][self.pairs[:, 1]])

    def of_objects(self, reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> CandidatePairs:
        """Keep some objects only, and number them anew in their order.

        Parameters
        ----------
        reference, prediction
            Which objects of either side are kept, shapes (n_reference,) and (n_prediction,), boolean.

        Returns
        -------
        CandidatePairs
            Of these objects.
        """
        kept = self._keep(reference[self.pairs[:, 0]] & prediction[self.pairs[:, 1]])
        positions = [np.cumsum(side) - 1 for side in (reference, prediction)]
        pairs = np.stack([positions[i][kept.pairs[:, i]] for i in (0, 1)], axis=1).astype(np.int64)
        return CandidatePairs(self.criterion, int(reference.sum()), int(prediction.sum()), pairs, kept.fits)

    def _keep(self, kept: NDArray[np.bool_]) -> CandidatePairs:
        return CandidatePairs(
            self.criterion, self.n_reference, self.n_prediction, self.pairs[kept], self.fits[kept]
        )
