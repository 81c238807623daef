"""A network trained further on the annotated training tiles of a study, as a candidate of the study."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from veriscope.core.commands import command
from veriscope.core.progress import Progress, silent
from veriscope.core.words import joined
from veriscope.errors import InputError, StudyError
from veriscope.io.atomic import write_text
from veriscope.methods.channels import analysis_channel
from veriscope.workflow.config import IN_STUDY, Candidate, StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.training import training_tiles

if TYPE_CHECKING:
    from veriscope.training.images.pairs import LabelledImage
    from veriscope.training.settings import TrainSettings

__all__ = ["add_candidate", "is_tuned_here", "train_study", "tuned_images"]

_FOLDER = "networks"


def train_study(
    study: Path,
    output: Path | None,
    settings: TrainSettings,
    *,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a network on the training tiles of a study, and let it compete there.

    Tiles of the audit never train, so the audit judges the network as it judges every candidate. Of the
    training tiles some are held back, by replicate where there are three or else by image: one part to choose
    by, and one locked to compare the network with its start.

    Parameters
    ----------
    study
        Folder of the study.
    output
        Folder of the package; None: ``networks/NAME`` in the study.
    settings
        How; `start` names the network to start from.
    progress
        Told how far it is.
    say
        Told what had to be changed on the way.

    Returns
    -------
    dict
        As `veriscope.training.supervised.train_files`, with ``candidate``: its name in the study.

    Raises
    ------
    StudyError
        If no training tile is annotated.
    InputError
        If the tiles do not suffice, or study.yaml cannot take another candidate.
    MethodError
        If training fails, or the start does not fit.
    """
    from veriscope.training.images.split import make_split
    from veriscope.training.job import TrainingImages, train_network
    from veriscope.training.networks.known import find_network

    folder = StudyFolder(study)
    config = read_config(folder.config)
    start = find_network(settings.start) if settings.start else None
    settings = settings.with_start(start.head, start.architecture) if start else settings
    name = _free_name(config, start.name if start else settings.architecture)
    target = output or study / _FOLDER / name
    pairs, unit = tuned_images(folder, config)
    split = make_split(
        pairs,
        seed=settings.seed,
        learnt=(*start.hashes("train"), *start.hashes("val")) if start else (),
        locked=start.hashes("test") if start else (),
        groups_are=f"groups are {unit}s; only annotated training tiles count, none of the audit",
    )
    data = TrainingImages(
        split, source=_source(config), objects=config.question.object, channel=config.channel
    )
    found = train_network(data, target, settings, start=start, progress=progress, say=say)
    add_candidate(folder.config, Candidate(id=name, method=f"network:{_place(target, study)}"))
    return found | {"candidate": name, "use": command("run", study)}


def tuned_images(folder: StudyFolder, config: StudyConfig) -> tuple[list[LabelledImage], str]:
    """Give the images with annotated training tiles, all else in them not known.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    images, unit
        One per image, with its replicate or itself as group; and which of the two it is.

    Raises
    ------
    StudyError
        If no training tile is annotated.
    """
    from veriscope.training.images.pairs import LabelledImage, pixel_hash

    tiles = training_tiles(folder)
    if not tiles:
        raise StudyError(
            f"{folder.root}: no training tile is annotated; draw some with "
            f"{command('audit', folder.root, '--training', '12')}, annotate them, and train again"
        )
    rows = {tile.image.image_id: tile.image for tile in tiles}
    images = {key: analysis_channel(folder.read(row), config.channel) for key, row in rows.items()}
    labels = {key: np.full(image.spatial_shape, -1, np.int32) for key, image in images.items()}
    for tile in tiles:
        known = labels[tile.image.image_id]
        drawn = tile.labels.astype(np.int32)
        known[tile.region] = np.where(drawn > 0, drawn + max(0, int(known.max())), 0)
    replicates = {_replicate(row) for row in rows.values()}
    by_replicate = len(replicates) >= 3
    pairs = [
        LabelledImage(
            key,
            image,
            labels[key],
            _replicate(rows[key]) if by_replicate else key,
            pixel_hash(image.pixels),
        )
        for key, image in images.items()
    ]
    return pairs, "replicate" if by_replicate else "image"


def is_tuned_here(folder: StudyFolder, method: str) -> bool:
    """Tell whether a candidate was trained on tiles of this study.

    Parameters
    ----------
    folder
        The study.
    method
        Name of its method.

    Returns
    -------
    bool
        Whether its package lies in the study, or says that it was trained on images of it.
    """
    if not method.startswith("network:"):
        return False
    path = Path(method.removeprefix("network:"))
    if (folder.root.absolute() / _FOLDER) in path.absolute().parents:
        return True
    try:
        content = yaml.safe_load((path / "bioimageio.yaml").read_text(encoding="utf-8"))
        said = str(content["config"]["veriscope"]["card"]["training_data"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return False
    return said.startswith(f"{_source(read_config(folder.config))}:")


def _place(target: Path, study: Path) -> str:
    """Give the folder of a network as study.yaml names it: from the study where it lies there."""
    try:
        return IN_STUDY + target.absolute().relative_to(study.absolute()).as_posix()
    except ValueError:
        return str(target.absolute())


def _source(config: StudyConfig) -> str:
    return f"training tiles of the study {config.name}"


def add_candidate(path: Path, candidate: Candidate) -> None:
    """Add a candidate to study.yaml, leaving every other line as it is.

    Parameters
    ----------
    path
        The file.
    candidate
        The candidate; one of the same method is not added twice.

    Raises
    ------
    InputError
        If the file is not written in lines, so that a person has to add it.
    """
    named = candidate.found_from(path.parent).method
    if any(item.method == named for item in read_config(path).candidates):
        return
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((value for key, value in pairs if key.value == "candidates"), None)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise InputError(
            f"{path}: the candidate cannot be added, because candidates are not written as lines; add it by "
            f"hand: id {candidate.id}, method {candidate.method}"
        )
    lines = text.splitlines()
    dash = node.value[-1].start_mark
    indent = re.match(r" *", lines[dash.line])
    assert indent is not None
    block = [
        f"- id: {candidate.id}",
        f"  method: {yaml.safe_dump(candidate.method, width=10**6).splitlines()[0]}",
    ]
    end = node.value[-1].end_mark.line
    while end > dash.line + 1 and not lines[end - 1].strip():
        end -= 1
    lines[end:end] = [indent.group() + line for line in block]
    write_text(path, "\n".join(lines) + "\n")
    read_config(path)


def _replicate(image: StudyImage) -> str:
    return joined(image.group, image.replicate)


def _free_name(config: StudyConfig, start: str) -> str:
    """Give a name that no candidate has yet."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(start.removeprefix("network:")).name).strip("-") or "network"
    taken = {item.id.lower() for item in config.candidates}
    names = [f"{stem}-tuned", *(f"{stem}-tuned-{number}" for number in range(2, 1000))]
    return next(name for name in names if name.lower() not in taken)
