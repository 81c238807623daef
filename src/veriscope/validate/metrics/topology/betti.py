"""Betti numbers of masks (pieces, holes or tunnels, cavities) and how far two masks differ in them."""

from __future__ import annotations

from itertools import product

import numpy as np

from veriscope.errors import InputError
from veriscope.validate.metrics.semantic.masks import BoolArray, check_masks
from veriscope.validate.metrics.topology.connectivity import (
    Connectivity,
    background_pieces,
    check_mask,
    foreground_pieces,
)

__all__ = ["betti_error", "betti_errors", "betti_numbers", "euler_characteristic", "patch_betti_error"]


def euler_characteristic(mask: BoolArray, *, connectivity: Connectivity = "full") -> int:
    """Count pieces minus holes (2D), or pieces minus tunnels plus cavities (3D), from the pixels alone.

    Parameters
    ----------
    mask
        Mask (true/false), (y, x) or (z, y, x). The image is taken to go on empty beyond its edge.
    connectivity
        Neighbours in the foreground: ``"full"`` also across corners, ``"face"`` across faces alone.

    Returns
    -------
    int
        The Euler characteristic; 0 for an empty mask.

    Raises
    ------
    AxesError, InputError, PixelValueError
        If this is no mask of two or three axes, or there is no such connectivity.

    References
    ----------
    .. [1] Kong TY, Rosenfeld A. Digital topology: introduction and survey. Computer Vision, Graphics, and
       Image Processing 48 (1989): the alternating sum of the cells of the mask's cubical complex.
    """
    check_mask(mask, connectivity)
    total = 0
    padded = np.pad(mask, 1)
    for axes in product((False, True), repeat=mask.ndim):
        cells = padded
        for axis, doubled in enumerate(axes):
            if doubled:
                before, after = (
                    (slice(None),) * axis + (slice(None, -1),),
                    (slice(None),) * axis + (slice(1, None),),
                )
                # Full: pixels are cubes and share their faces, edges and corners (either has it).
                # Face: pixels are corners, and a cell is there if all of its corners are.
                cells = (
                    cells[before] | cells[after] if connectivity == "full" else cells[before] & cells[after]
                )
        dimension = mask.ndim - sum(axes) if connectivity == "full" else sum(axes)
        total += (-1) ** dimension * int(np.count_nonzero(cells))
    return total


def betti_numbers(mask: BoolArray, *, connectivity: Connectivity = "full") -> tuple[int, ...]:
    """Count the pieces, the holes or tunnels, and the cavities of a mask.

    Parameters
    ----------
    mask
        Mask (true/false), (y, x) or (z, y, x). The image is taken to go on empty beyond its edge, so a
        ring that the edge cuts has no hole; pad the mask with true pixels to count it.
    connectivity
        Neighbours in the foreground: ``"full"`` also across corners (8 in 2D, 26 in 3D), ``"face"`` across
        faces alone (4, 6). The background has the other one.

    Returns
    -------
    tuple of int
        2D: (pieces, holes). 3D: (pieces, tunnels, cavities); a ring has one tunnel, a hollow ball one
        cavity. All 0 for an empty mask.

    Raises
    ------
    AxesError, InputError, PixelValueError
        If this is no mask of two or three axes, or there is no such connectivity.

    Notes
    -----
    Pieces are connected pieces of the foreground, holes and cavities enclosed pieces of the background,
    and tunnels follow from the Euler characteristic: β1 = β0 + β2 - χ.
    """
    check_mask(mask, connectivity)
    pieces = foreground_pieces(mask, connectivity=connectivity)[1]
    enclosed = background_pieces(mask, connectivity=connectivity)[1] - 1
    if mask.ndim == 2:
        return pieces, enclosed
    return pieces, pieces + enclosed - euler_characteristic(mask, connectivity=connectivity), enclosed


def betti_errors(
    reference: BoolArray, prediction: BoolArray, *, connectivity: Connectivity = "full"
) -> tuple[int, ...]:
    """Give the absolute difference of each Betti number, over whole masks.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).
    connectivity
        Neighbours in the foreground, as in `betti_numbers`.

    Returns
    -------
    tuple of int
        0 up, 0 is best: |β0 - β0'|, |β1 - β1'| and in 3D |β2 - β2'|. Both masks empty: all 0.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, or there is no such connectivity.
    """
    check_masks(reference, prediction)
    of_reference = betti_numbers(reference, connectivity=connectivity)
    of_prediction = betti_numbers(prediction, connectivity=connectivity)
    return tuple(abs(first - second) for first, second in zip(of_reference, of_prediction, strict=True))


def betti_error(reference: BoolArray, prediction: BoolArray, *, connectivity: Connectivity = "full") -> float:
    """Betti-number error: sum of the absolute differences of all Betti numbers, over whole masks.

    A piece lost here and one invented there cancel; `matching.betti_matching_error` sees both, and
    `patch_betti_error` most of them.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).
    connectivity
        Neighbours in the foreground, as in `betti_numbers`.

    Returns
    -------
    float
        Σ |βk - βk'|, 0 up, lower is better. Both masks empty: 0.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, or there is no such connectivity.

    References
    ----------
    .. [1] Hu X et al. Topology-preserving deep image segmentation. NeurIPS (2019).
    """
    return float(sum(betti_errors(reference, prediction, connectivity=connectivity)))


def patch_betti_error(
    reference: BoolArray, prediction: BoolArray, *, patch: int = 64, connectivity: Connectivity = "full"
) -> float:
    """Betti-number error of small patches, averaged, so that errors in different places do not cancel.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).
    patch
        Length of a patch along each axis, in pixels. Patches lie side by side; where the last would reach
        over the edge, it is moved back inside. An axis shorter than this is taken whole.
    connectivity
        Neighbours in the foreground, as in `betti_numbers`.

    Returns
    -------
    float
        Mean over patches of Σ |βk - βk'|, 0 up, lower is better. Both masks empty: 0. NaN if the masks
        have no pixel.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape, the patch is shorter than 1, or there is no such
        connectivity.

    Notes
    -----
    Papers draw patches at random [1]_ [2]_; all patches of a grid need no seed. What the edge of a patch
    cuts counts as it looks inside the patch.

    References
    ----------
    .. [1] Hu X et al. Topology-preserving deep image segmentation. NeurIPS (2019).
    .. [2] Shit S et al. clDice, a novel topology-preserving loss function. CVPR (2021).
    """
    check_masks(reference, prediction)
    if patch < 1:
        raise InputError(f"patch {patch!r} is not allowed; use a length in pixels of at least 1, such as 64")
    starts = [_starts(length, patch) for length in reference.shape]
    errors = [
        betti_error(reference[window], prediction[window], connectivity=connectivity)
        for corner in product(*starts)
        for window in [tuple(slice(start, start + patch) for start in corner)]
    ]
    return float(np.mean(errors)) if errors else float("nan")


def _starts(length: int, patch: int) -> list[int]:
    if length <= patch:
        return [0] if length else []
    return [min(start, length - patch) for start in range(0, length, patch)]
