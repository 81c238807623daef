"""Metric of thin, branched structures: how well the centre lines of two masks agree."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label
from skimage.morphology import skeletonize

from veriscope.validate.metrics.semantic.masks import BoolArray, check_masks, crop

__all__ = ["centreline", "centreline_dice"]


def centreline_dice(reference: BoolArray, prediction: BoolArray) -> float:
    """Centre-line Dice, clDice: harmonic mean of topology precision and topology sensitivity.

    Topology precision is the share of the prediction's centre line that lies in the reference; topology
    sensitivity is the share of the reference's centre line that lies in the prediction. Thickness hardly
    matters; a gap costs its length only, so count gaps apart where they matter.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).

    Returns
    -------
    float
        2 Tprec Tsens / (Tprec + Tsens), 0 to 1, higher is better. NaN if both masks are empty, 0 if one
        is or if neither centre line meets the other mask.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape.

    References
    ----------
    .. [1] Shit S et al. clDice, a novel topology-preserving loss function for tubular structure
       segmentation. CVPR (2021), eq. 1 and 2.
    """
    check_masks(reference, prediction)
    if not reference.any() or not prediction.any():
        return float("nan") if not reference.any() and not prediction.any() else 0.0
    box = crop(reference, prediction)
    reference, prediction = reference[box], prediction[box]
    of_reference, of_prediction = centreline(reference), centreline(prediction)
    precision = np.count_nonzero(of_prediction & reference) / np.count_nonzero(of_prediction)
    sensitivity = np.count_nonzero(of_reference & prediction) / np.count_nonzero(of_reference)
    together = precision + sensitivity
    return float(2 * precision * sensitivity / together) if together else 0.0


def centreline(mask: BoolArray) -> BoolArray:
    """Thin a mask to lines one pixel wide: Zhang and Suen's thinning in 2D, Lee's in 3D.

    Parameters
    ----------
    mask
        Mask (true/false), (y, x) or (z, y, x).

    Returns
    -------
    numpy.ndarray
        Mask of the same shape, within the given one. Every connected piece keeps a centre line: pieces
        that Lee's thinning removes altogether (a cube of 2 x 2 x 2 voxels) stay as they are. Lines may
        lie a pixel elsewhere in a flipped or transposed image, because thinning removes pixels in an
        order. The image is taken to go on empty beyond its edge.
    """
    padded = np.pad(mask, 1)
    thin: BoolArray = np.asarray(skeletonize(padded), dtype=np.bool_)
    pieces, n_pieces = label(padded, structure=np.ones((3,) * mask.ndim))
    kept = np.bincount(pieces[thin], minlength=n_pieces + 1) > 0
    kept[0] = True
    thin |= ~kept[pieces]
    inside: BoolArray = thin[(slice(1, -1),) * mask.ndim]
    return inside
