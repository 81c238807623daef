"""Train a tool of others on images and labels in files, for a candidate on equal terms with our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.training.images.pairs import LabelledImage, read_pairs
from veriscope.zoo.train_external import options_of, train_external

__all__ = ["train_tool"]

_HELD_OUT = 0.2
"""Share of the images by which the tool chooses its weights and thresholds."""


def train_tool(
    tool: str,
    images: str | Path,
    labels: str | Path,
    output: str | Path,
    *,
    channel: str | int | None = None,
    settings: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train a model of a tool with the tool's own training.

    Parameters
    ----------
    tool
        ``cellpose`` or ``stardist``; it must be installed.
    images, labels
        Folders, files or patterns; they belong together by their names.
    output
        Where the model goes: a file of Cellpose, a folder of StarDist; it must not exist.
    channel
        Channel to learn from, where images have several.
    settings
        Options of the training by name, such as ``epochs``; of `CellposeTraining` or `StarDistTraining`.
    progress
        Told how many pairs are read.

    Returns
    -------
    dict
        As `veriscope.zoo.train_external.train_external`, with ``files`` (names of the images trained on) and
        ``held_out`` (those by which the tool chose).

    Raises
    ------
    InputError
        If pairs cannot be learned from, an option is wrong, or something lies where the model should go.
    MethodError
        If the tool is not installed, cannot be trained, or fails. Nothing is kept then.
    """
    options = options_of(tool).parse(settings or {}, where=f"training of {tool}")
    target = Path(output)
    if target.exists():
        raise InputError(f"{target}: exists already; give another name, or remove it first")
    pairs = read_pairs(images, labels, channel=channel, progress=progress)
    kept, held_out = _split(pairs, options.seed)
    record = train_external(
        tool,
        [pair.image.pixels for pair in kept],
        [pair.labels for pair in kept],
        target,
        validation=([pair.image.pixels for pair in held_out], [pair.labels for pair in held_out]),
        options=options,
    )
    return record | {
        "files": [pair.stem for pair in kept],
        "held_out": [pair.stem for pair in held_out],
    }


def _split(pairs: list[LabelledImage], seed: int) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Hold out whole images, never parts of one."""
    empty = [pair.stem for pair in pairs if pair.n_objects == 0]
    if len(pairs) - len(empty) < 2:
        raise InputError(
            f"{len(pairs)} pairs, {len(empty)} of them without an object: at least two images with objects "
            "are needed, one to learn from and one to choose by; annotate more"
        )
    count = max(1, round(_HELD_OUT * len(pairs)))
    order = np.random.default_rng(seed).permutation(len(pairs))
    # Those with objects come first: the first is held out, the second is not, so both parts have one.
    order = np.array(sorted(order, key=lambda number: pairs[number].n_objects == 0))
    held = {int(order[0]), *map(int, order[2 : count + 1])}
    return (
        [pair for number, pair in enumerate(pairs) if number not in held],
        [pair for number, pair in enumerate(pairs) if number in held],
    )
