"""Rules of ours, where Metrics Reloaded has none: counts, connections, restored images and tracks."""

from __future__ import annotations

from collections.abc import Iterator

from veriscope.validate.fingerprint.choice import Choice
from veriscope.validate.fingerprint.items import Fingerprint

__all__ = ["connections", "count", "restoration", "splits", "tracking"]


def connections(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Choose what sees breaks and false bridges, beside the overlap of masks or of matched objects.

    Parameters
    ----------
    fingerprint
        The problem.

    Yields
    ------
    Choice
        None where connections do not matter, or where a coarse reference cannot show them.
    """
    if not fingerprint.connections_matter or fingerprint.coarse_reference:
        return
    yield Choice(
        "betti_matching_error",
        "ours",
        "which pieces and holes are there, each at its place; a cut is one error",
    )
    if fingerprint.tubular or fingerprint.centre_interest == "centre line":
        yield Choice("line_gaps", "ours", "how many breaks there are to mend, however short; in 3D too")


def count(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Choose what tells whether the number of objects is right.

    Parameters
    ----------
    fingerprint
        The problem.

    Yields
    ------
    Choice
        Always one.
    """
    yield Choice("count_bias", "ours", "misses and inventions can cancel; this is what remains in a count")


def splits(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Choose what tells whether objects were split or merged.

    Parameters
    ----------
    fingerprint
        The problem.

    Yields
    ------
    Choice
        One where objects touch.
    """
    if fingerprint.touching:
        yield Choice(
            "split_merge", "ours", "touching objects are mostly lost by merging, and it can be counted"
        )


def restoration(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Choose what compares restored images with what there is to compare with.

    Parameters
    ----------
    fingerprint
        The problem.

    Yields
    ------
    Choice
        At least two.
    """
    if fingerprint.only_raw_reference:
        yield Choice(
            "rsp", "ours", "blurred to the raw image, it shows structures that were lost or invented"
        )
        yield Choice("rse", "ours", "the same in units of intensity; neither says how much noise is left")
        return
    if fingerprint.intensities_measured:
        yield Choice("psnr", "ours", "intensities will be measured, so a wrong scale or offset is an error")
        yield Choice("ssim", "ours", "structure counts besides the mean squared error, on the scale as it is")
    else:
        yield Choice(
            "scale_invariant_psnr", "ours", "intensities of two exposures differ by scale and offset"
        )
        yield Choice(
            "micro_ssim",
            "ours",
            "structure counts besides the mean squared error, at any offset and scale; needs some background",
        )
    if fingerprint.fine_detail_matters:
        yield Choice("frc_resolution", "ours", "the smallest detail that agrees with the reference")
        yield Choice("spectral_error", "ours", "tells whether detail was smoothed away, which frc cannot see")


def tracking(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Choose what judges objects that were followed in time.

    Parameters
    ----------
    fingerprint
        The problem.

    Yields
    ------
    Choice
        At least three.
    """
    yield Choice("det", "ours", "whether objects are found in each frame")
    yield Choice("tra", "ours", "whether they are linked rightly")
    if fingerprint.objects_divide:
        yield Choice("chota", "ours", "detection, association and lineages in one number, for an overview")
        yield Choice("division_f1", "ours", "divisions are rare, so other scores hardly show them")
    else:
        yield Choice("hota", "ours", "detection and association in one number, for an overview")
    if fingerprint.shape_needed:
        yield Choice("seg", "ours", "overlap of each object with its reference")
