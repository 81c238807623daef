"""What a study of planes cannot see of the stacks and time-lapses that they are from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from veriscope.core.plane import Plane
from veriscope.core.words import counted
from veriscope.workflow.layout import StudyImage

__all__ = ["plane_remarks"]


def plane_remarks(images: Sequence[StudyImage]) -> list[str]:
    """Say what numbers of planes leave out.

    Parameters
    ----------
    images
        All images of a study.

    Returns
    -------
    list of str
        A sentence for each kind of plane and for time points; empty where no image is from a stack.
    """
    planes = [Plane.parse(image.plane) for image in images]
    depths = Counter(plane.z for plane in planes if plane.z is not None)
    found = [f"{counted(n, 'image is', 'images are')} {_depth(z)}" for z, n in depths.items()]
    timed = [
        (image.source, image.stack, image.stack_reading)  # a file may hold several
        for image, plane in zip(images, planes, strict=True)
        if plane.t is not None
    ]
    n_images, n_sources = len(timed), len(set(timed))
    if n_images > n_sources:
        found.append(
            f"{n_images} images are time points of {counted(n_sources, 'time-lapse')}: those of one show the "
            "same objects again, so a total over them counts an object more than once."
        )
    return found


def _depth(z: int | str) -> str:
    if z == "max" or z == "mean":
        what = "brightest pixels" if z == "max" else "mean"
        return f"the {what} along z of a stack: objects that lie above one another are seen as one."
    return f"plane {z} (from 0) of a stack: what lies above and below it is not counted."
