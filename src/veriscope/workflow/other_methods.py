"""Methods that do not compete in a study: which there are, whether they suit its images, and a way in."""

from __future__ import annotations

from dataclasses import dataclass

from veriscope.errors import StudyError, VeriscopeError
from veriscope.registry import get_method, make_method, method_names
from veriscope.workflow.config import Candidate, StudyConfig, read_config
from veriscope.workflow.create import candidate_id
from veriscope.workflow.fine_tuning import add_candidate
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.modality import channel_numbers, sees_channels, why_left_out
from veriscope.zoo.added import added_methods, states_of

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
        Why it is left out, what was found out about it, what it needs; one sentence each.
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
        Built-in ones, packages and networks that were added, and models of other tools that are here; those
        that fit and were made for such images first, then by name.
    """
    used = {candidate.method for candidate in config.candidates}
    numbers = channel_numbers(folder.images())
    found = []
    for name in (*method_names(), *added_methods()):
        if name in used:
            continue
        try:
            method = get_method(name)
            if method.task != "instance" or 2 not in method.card.dimensions:
                continue
            make_method(name)
        except VeriscopeError as error:
            found.append((True, 0, OtherMethod(name, False, (str(error),))))
            continue
        fits = sees_channels(method, numbers)
        against = why_left_out(method, config.question.object, config.modalities, numbers)
        remarks = [*against, *states_of(name)]
        if not config.modalities and method.card.modalities:
            remarks.append(f"It was made for {' and '.join(method.card.modalities)} images.")
        if method.needs_training:
            remarks.append("It learns from training tiles that you annotate.")
        found.append((not fits, len(against), OtherMethod(name, fits, tuple(remarks))))
    return [other for *_, other in sorted(found, key=lambda item: (item[0], item[1], item[2].name))]


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
    taken = {item.id.lower() for item in config.candidates}
    add_candidate(folder.config, Candidate(id=candidate_id(method, taken), method=method))
    return read_config(folder.config)
