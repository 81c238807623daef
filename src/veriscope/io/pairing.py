"""Pairing the files of two sets that belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from veriscope.core.words import few
from veriscope.errors import InputError
from veriscope.io.folders import ImageFile

__all__ = ["Pair", "Pairing", "pair_by_stem"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and a prediction of the same image.

    Parameters
    ----------
    stem
        Name that both share.
    reference, prediction
        The files.
    """

    stem: str
    reference: Path
    prediction: Path


@dataclass(frozen=True, slots=True)
class Pairing:
    """What belongs together in two sets of files.

    Parameters
    ----------
    pairs
        In the order of the references.
    only_reference, only_prediction
        Stems without a partner.
    """

    pairs: tuple[Pair, ...]
    only_reference: tuple[str, ...]
    only_prediction: tuple[str, ...]


def pair_by_stem(
    references: Iterable[ImageFile],
    predictions: Iterable[ImageFile],
    *,
    partial: bool = False,
    called: tuple[str, str] = ("reference", "prediction"),
) -> Pairing:
    """Pair two sets of files by their stems.

    Parameters
    ----------
    references, predictions
        Files, each stem once, as from `find_images`.
    partial
        Whether files without a partner are allowed (there must be one pair in any case).
    called
        What the two are to the user, for messages.

    Returns
    -------
    Pairing
        The pairs and what is left over.

    Raises
    ------
    InputError
        If files are left over on either side and `partial` is false, or nothing fits; all are named.
    """
    reference = {file.stem: file.path for file in references}
    prediction = {file.stem: file.path for file in predictions}
    pairs = tuple(Pair(stem, reference[stem], prediction[stem]) for stem in reference if stem in prediction)
    only_reference = tuple(stem for stem in reference if stem not in prediction)
    only_prediction = tuple(stem for stem in prediction if stem not in reference)
    if (only_reference or only_prediction) and not (partial and pairs):
        one, other = called
        lines = [f"{len(pairs)} of {len(reference)} {one}s and {len(prediction)} {other}s fit by name"]
        if only_reference:
            lines.append(f"  - {one}s without {other}: {few(only_reference)}")
        if only_prediction:
            lines.append(f"  - {other}s without {one}: {few(only_prediction)}")
        lines.append(
            "Files belong together if their names without the ending are equal: rename or add the missing"
        )
        raise InputError("\n".join(lines))
    return Pairing(pairs, only_reference, only_prediction)
