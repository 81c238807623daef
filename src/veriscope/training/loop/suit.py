"""A start before its first step: shown what it can make sense of, and able to learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from veriscope.training.images.augment import TrainingImage
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.build import make_network
from veriscope.training.networks.renormalise import renormalise
from veriscope.training.networks.seeing import OBJECT_HEADS, choose_sees

__all__ = ["suit_start"]


def suit_start(
    lesson: Lesson,
    images: Sequence[Any],
    pixels: Tensor,
    say: Callable[[str], None] | None = None,
) -> tuple[nn.Module, dict[str, float]]:
    """Make the network of a lesson from its start, suited to the images to be learned from.

    Parameters
    ----------
    lesson
        Has a start.
    images
        To learn from, as they were prepared.
    pixels
        Float (n, c, y, x): crops of them, as they will be learned from.
    say
        Told if the start is shown something else than what it was trained with.

    Returns
    -------
    network, shown
        On the CPU; and how well the start saw objects in each way, as `choose_sees` gives it.
    """
    start = lesson.start
    assert start is not None
    sees, shown = start.sees, dict[str, float]()
    if lesson.head.name in OBJECT_HEADS:
        labelled = [image for image in images if isinstance(image, TrainingImage)]
        sees, shown = choose_sees(start, lesson.n_channels, labelled)
    if sees != start.sees and say is not None:
        say(
            f"{start.name} is shown the {_WORDS[sees]} of these images: there it gives pixels of objects a "
            f"higher probability than others in {shown[sees]:.0%} of pairs, in their {_WORDS[start.sees]} in "
            f"{shown[start.sees]:.0%}"
        )
    plain = lesson.network(sees=sees)
    if lesson.settings.tune != "all":
        return plain, shown
    twin = make_network(
        lesson.architecture,
        lesson.n_channels,
        lesson.head,
        widths=lesson.widths(),
        norm=True,
        sees=sees,
    )
    renormalise(plain, twin, pixels)
    return twin, shown


_WORDS = {"light": "light", "density": "optical density"}
