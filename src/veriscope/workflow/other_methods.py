"""Methods that do not compete in a study: which there are, whether they suit its images, and a way in."""

from __future__ import annotations

from dataclasses import dataclass

from veriscope.errors import StudyError
from veriscope.registry import get_method, method_names
from veriscope.workflow.config import Candidate, StudyConfig, read_config
from veriscope.workflow.fine_tuning import add_candidate
from veriscope.workflow.layout import StudyFolder

__all__ = ["OtherMethod", "let_in", "other_methods"]


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """A method that is not a candidate of a study.

    Parameters
    ----------
    name
        Of the method.
    fits
        Whether it can run on the study's images at all.
    remarks
        In which ways the study differs from what it was made for; one sentence each.
    """

    name: str
    fits: bool
    remarks: tuple[str, ...]


def other_methods(folder: StudyFolder, config: StudyConfig) -> list[OtherMethod]:
    """List the methods that find objects in planes and are not candidates yet.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    list of OtherMethod
        Those that fit and were made for the object first, then by name.
    """
    used = {candidate.method for candidate in config.candidates}
    numbers = {len(image.channels.split(";")) if image.channels else 1 for image in folder.images()}
    found = []
    for name in method_names():
        method = get_method(name)
        if name in used or method.task != "instance" or 2 not in method.card.dimensions:
            continue
        remarks = []
        fits = method.n_channels == 1 or numbers == {method.n_channels}
        if not fits:
            have = " or ".join(map(str, sorted(numbers)))
            remarks.append(f"It sees {method.n_channels} channels at once; these images have {have}.")
        if config.question.object not in ("object", *method.card.objects):
            remarks.append(f"It was made for {' and '.join(method.card.objects)}.")
        if method.card.modalities:
            remarks.append(f"It was made for {' and '.join(method.card.modalities)} images.")
        if method.needs_training:
            remarks.append("It learns from training tiles that you annotate.")
        found.append((not fits, config.question.object not in method.card.objects, name, tuple(remarks)))
    return [OtherMethod(name, not unfit, remarks) for unfit, _, name, remarks in sorted(found)]


def let_in(folder: StudyFolder, config: StudyConfig, method: str) -> StudyConfig:
    """Make a method a candidate; what others found and the drawn tiles stay.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        Name of one of `other_methods`.

    Returns
    -------
    StudyConfig
        What study.yaml says then.

    Raises
    ------
    StudyError
        If it is none of them, or cannot run on these images.
    InputError
        If study.yaml is not written in lines, so that a person has to add it.
    """
    known = {other.name: other for other in other_methods(folder, config)}
    if method not in known:
        raise StudyError(f"{method!r} is no method that could be added; choose of: {', '.join(known)}")
    if not known[method].fits:
        raise StudyError(f"{method} cannot run here: {known[method].remarks[0]}")
    add_candidate(folder.config, Candidate(id=method, method=method))
    return read_config(folder.config)
