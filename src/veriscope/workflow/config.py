"""study.yaml: the one file of a study that a person may edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, field_validator

from veriscope.core.commands import command
from veriscope.core.settings import Settings
from veriscope.errors import InputError, StudyError
from veriscope.io.atomic import write_text
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.workflow.question import Question

__all__ = ["IN_STUDY", "AuditSettings", "Candidate", "StudyConfig", "read_config", "save_answers"]

IN_STUDY = "./"
"""With it begin the folders of networks that lie in the study."""


_SCHEMA = "veriscope/study/1"


class Candidate(Settings):
    """One method with its parameters, competing in a study."""

    id: str = Field(coerce_numbers_to_str=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of its folder in the study."""
    method: str
    """Name of an installed method, or ``network:`` and the folder of one that was trained; in study.yaml a
    folder that begins with ``./`` lies in the study, so that a study can be moved."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Options of the method; the others keep their defaults."""

    def found_from(self, study: Path) -> Self:
        """Give the candidate with the folder of its network as it is found from anywhere.

        Parameters
        ----------
        study
            Folder of the study.

        Returns
        -------
        Candidate
            The same where its network does not lie in the study.
        """
        prefix, _, place = self.method.partition(":")
        if prefix != "network" or not place.startswith(IN_STUDY):
            return self
        return self.model_copy(update={"method": f"network:{(study / place).absolute()}"})


class AuditSettings(Settings):
    """How audit tiles are cut and drawn; fixed at the first draw."""

    tile_size: int = Field(default=256, ge=16)
    """Largest side of a tile, in pixels."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draws."""


class StudyConfig(Settings):
    """What defines a study."""

    schema_version: Literal["veriscope/study/1"] = "veriscope/study/1"
    """Version of this file's layout."""
    name: str = Field(coerce_numbers_to_str=True)
    """Title of the study."""
    question: Question
    """What it asks."""
    channel: str | None = Field(default=None, coerce_numbers_to_str=True)
    """Channel that the methods see: index, name, ``luminance`` or ``hematoxylin``; None: there is one."""
    modalities: tuple[str, ...] = ()
    """Microscopy that the images can be of, told from their pixels or by the user; empty: not known."""
    candidates: tuple[Candidate, ...]
    """Methods that compete."""
    audit: AuditSettings = AuditSettings()
    """How the audit is drawn."""
    fingerprint: dict[str, Any] = Field(default_factory=dict)
    """Answers about the problem that cannot be read from the data, see ``veriscope fingerprint``."""

    @field_validator("fingerprint")
    @classmethod
    def _check_answers(cls, answers: dict[str, Any]) -> dict[str, Any]:
        Fingerprint.parse(answers, where="fingerprint")
        return answers

    def to_yaml(self) -> str:
        """Give the file's content.

        Returns
        -------
        str
            YAML, keys in the order of the fields.
        """
        values = self.model_dump(mode="json")
        head = "# A Veriscope study. You may edit this file; what has changed is computed again.\n"
        return head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def read_config(path: Path) -> StudyConfig:
    """Read and check study.yaml.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    StudyConfig
        Its content.

    Raises
    ------
    StudyError
        If there is no such file, or it may not be read.
    InputError
        If it is not valid YAML, is of another version, or an entry is unknown, wrong, or there twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.safe_load(text)
        twice = _named_twice(yaml.compose(text, Loader=yaml.SafeLoader))
    except (FileNotFoundError, NotADirectoryError):
        what = ": there is no such folder; check the name, or make one"
        if path.parent.exists():
            what = " is not a study (it has no study.yaml); make one"
        raise StudyError(
            f"{path.parent}{what} with: {command('new', path.parent, '--images', 'FOLDER')}"
        ) from None
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or a date such as 2024-13-01
        raise InputError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(
            f"{path} is not a study description: it holds {_kind(values)}, not entries such as 'name: …'; "
            "restore it from a copy or make the study again"
        )
    if twice:
        raise InputError(
            f"{path}: {', '.join(twice)}; of two entries of one name only the last would count: keep one"
        )
    version = values.get("schema_version", _SCHEMA)
    if version != _SCHEMA and str(version).startswith("veriscope/study/"):
        raise InputError(
            f"{path}: is a study of another version of Veriscope ({version}), and this one reads {_SCHEMA}; "
            "update Veriscope, or make the study again"
        )
    config = StudyConfig.parse(values, where=str(path))
    if not config.candidates:
        raise InputError(f"{path}: there are no candidates; list at least one method that competes")
    ids = [candidate.id for candidate in config.candidates]
    # An id names a folder, and many file systems do not tell upper from lower case.
    if len({name.lower() for name in ids}) < len(ids):
        raise InputError(
            f"{path}: candidates must have different ids (capitals do not count), got {', '.join(ids)}"
        )
    found = tuple(candidate.found_from(path.parent) for candidate in config.candidates)
    return config.model_copy(update={"candidates": found})


def _named_twice(node: yaml.Node | None) -> list[str]:
    """Say which entries of a mapping, or of one in it, have a name that another has."""
    found: list[str] = []
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += _named_twice(item)
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and names.count(key.value) > 1:
                found.append(f"{key.value!r} stands in line {key.start_mark.line + 1}")
            found += _named_twice(value)
    return found


def save_answers(path: Path, answers: Mapping[str, Any]) -> None:
    """Write the answers of the fingerprint into study.yaml, leaving every other line as it is.

    Parameters
    ----------
    path
        The file study.yaml.
    answers
        All answers, by item.

    Raises
    ------
    InputError
        If the file would no longer be a study's.
    """
    text = path.read_text(encoding="utf-8")
    lines, said = text.splitlines(), yaml.safe_load(text).get("fingerprint") or {}
    first, end, places = _find_answers(text)
    changed = {item for item in places if item not in answers or answers[item] != said[item]}
    dropped = {line for item in changed for line in places[item]}
    block = ["fingerprint:", *(lines[n] for n in range(first + 1, end) if places and n not in dropped)]
    indent = next((line[: len(line) - len(line.lstrip())] for line in block[1:] if line.strip()), "  ")
    new = {item: answers[item] for item in sorted(answers) if item in changed or item not in places}
    block += [indent + yaml.safe_dump({item: answer}).strip() for item, answer in new.items()]
    text = "\n".join([*lines[:first], *block, *lines[end:]]) + "\n"
    try:
        StudyConfig.parse(yaml.safe_load(text), where=str(path))
    except yaml.YAMLError:
        raise InputError(
            f"{path}: answers cannot be added, because it is not written as lines of 'name: …'; add them by "
            f"hand: fingerprint: {dict(answers)}"
        ) from None
    write_text(path, text)


def _find_answers(text: str) -> tuple[int, int, dict[str, range]]:
    """Give the lines from ``fingerprint:`` to its last answer, and those of each answer."""
    n_lines = len(text.splitlines())
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((pair for pair in pairs if pair[0].value == "fingerprint"), None)
    if found is None:
        return n_lines, n_lines, {}
    first, value = found[0].start_mark.line, found[1]
    if not isinstance(value, yaml.MappingNode) or value.flow_style:
        return first, value.end_mark.line + 1, {}
    places = {
        item.value: range(item.start_mark.line, answer.end_mark.line + 1) for item, answer in value.value
    }
    return first, max(place[-1] for place in places.values()) + 1, places


def _kind(values: object) -> str:
    return "nothing" if values is None else f"one {type(values).__name__}"
