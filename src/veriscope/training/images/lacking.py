"""Classes that a part of the images lacks: what is not seen is neither learned, chosen by, nor judged."""

from __future__ import annotations

from collections.abc import Callable

from veriscope.errors import InputError
from veriscope.training.heads.base import Head
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split

__all__ = ["check_classes"]

_Has = Callable[[LabelledImage], bool]


def check_classes(split: Split, head: Head, say: Callable[[str], None]) -> None:
    """Say which classes a part lacks, where a head tells classes.

    Parameters
    ----------
    split
        The images.
    head
        Of pixels or of whole images; others have no classes that must be seen.
    say
        Told of every class that is missing where it is chosen by or judged.

    Raises
    ------
    InputError
        If there is a class that no image to learn from has.
    """
    for name, has in _classes(head):
        lacking = [
            word
            for word, part in (
                ("to learn from", split.train),
                ("to choose by", split.val),
                ("locked", split.test),
            )
            if not any(has(pair) for pair in part)
        ]
        if "to learn from" in lacking:
            raise InputError(
                f"class {name} is in none of the images to learn from; annotate some there, or "
                + (
                    "number the classes without gaps"
                    if head.name == "semantic"
                    else "leave its images out of the table"
                )
            )
        if lacking:
            where = " and ".join(lacking)
            say(f"class {name} is in none of the images {where}: nothing is known of it there")


def _classes(head: Head) -> list[tuple[str, _Has]]:
    if isinstance(head, ClassificationHead):
        return [(name, _of_image(number)) for number, name in enumerate(head.classes)]
    if head.name == "semantic":
        return [(str(number), _of_pixels(number)) for number in range(1, head.n_out)]
    return []


def _of_image(number: int) -> _Has:
    return lambda pair: pair.kind is not None and pair.kind.number == number


def _of_pixels(number: int) -> _Has:
    return lambda pair: bool((pair.labels == number).any())
