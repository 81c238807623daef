"""A training, step by step: from images that were read and parted to a package."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, cast

from torch import nn

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.io.usage import UsageMeter
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.lacking import check_classes
from veriscope.training.images.pairs import (
    LabelledImage,
    check_not_empty,
    sees_colour,
)
from veriscope.training.images.split import Split
from veriscope.training.images.stacks import prepare_stacks
from veriscope.training.judging.cautions import finds_nothing, too_few_steps
from veriscope.training.judging.choose_temperature import choose_temperature
from veriscope.training.judging.compare import Comparison, compare_with_start
from veriscope.training.judging.curve import learning_curve
from veriscope.training.judging.envelope import robustness
from veriscope.training.judging.judge import Judge, Predict
from veriscope.training.loop.checkpoint import GOES_ON
from veriscope.training.loop.consistency import Consistency
from veriscope.training.loop.learn import Prepared, crop_side, learn, prepare_all, set_up_torch
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.build import fitting_augmentation, make_head
from veriscope.training.networks.known import KnownNetwork
from veriscope.training.packaging.inputs import InputImages
from veriscope.training.packaging.package import check_licence, check_output, receptive_reach, write_package
from veriscope.training.packaging.record import Outcome, facts_of, summary_of
from veriscope.training.packaging.run import (
    choose_on_validation,
    judge_of,
    make_candidate,
    package_predictor,
    start_predictor,
)
from veriscope.training.settings import OWN_NETWORK, TrainSettings

__all__ = ["TrainingImages", "train_network"]


@dataclass(frozen=True)
class TrainingImages:
    """What a network is trained with.

    Parameters
    ----------
    split
        Images by part.
    unlabelled
        Images without labels, for consistency.
    source
        Where the images come from, for the card.
    objects
        What is looked for, such as ``nucleus``.
    notes
        What should be known of them.
    channel
        Channel that was chosen of them; None: none had to be.
    """

    split: Split
    unlabelled: Sequence[LabelledImage] = ()
    source: str = "the user's own images"
    objects: str = "object"
    notes: list[str] = field(default_factory=list)
    channel: str | int | None = None

    @property
    def inputs(self) -> InputImages:
        """What the images to learn from have in common."""
        return InputImages.of([pair.image for pair in self.split.train], self.channel)


def train_network(
    data: TrainingImages,
    output: Path,
    settings: TrainSettings,
    *,
    start: KnownNetwork | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a network on images that were read and parted.

    Parameters
    ----------
    data
        The images.
    output
        Folder of the package to be made.
    settings
        How.
    start
        Network to start from.
    progress
        Told how far it is.
    say
        Told what had to be changed on the way.

    Returns
    -------
    dict
        As for `train_files`.

    Raises
    ------
    InputError
        If a part has no object, or the package cannot be written.
    MethodError
        If training fails, or the start does not fit.
    """
    check_output(output)
    _check_parts(data)
    check_licence(settings.licence)
    work = output.with_name(f"{output.name}.unfinished")
    with UsageMeter() as meter:
        job = _Job(data, settings, start, work, progress, say)
        outcome = job.run()
    work_done = meter.usage
    facts = facts_of(outcome, work_done, name=output.name)
    states = write_package(
        outcome.learned.network, outcome.lesson.head, output, settings=outcome.settings, facts=facts
    )
    shutil.rmtree(work, ignore_errors=True)
    return summary_of(outcome, facts, states, output)


class _Job:
    """The steps of a training, in their order."""

    def __init__(
        self,
        data: TrainingImages,
        settings: TrainSettings,
        start: KnownNetwork | None,
        work: Path,
        progress: Progress,
        say: Callable[[str], None] | None,
    ) -> None:
        self.data, self.start, self.work = data, start, work
        self.progress, self.notes = progress, list(data.notes)
        self.tell = say
        split = data.split
        every = (*split.train, *split.val, *split.test)
        head = make_head(settings.head, every, topology=settings.topology, crop=settings.crop)
        n_channels = 3 if sees_colour(every) or (start is not None and start.n_channels == 3) else 1
        check_classes(split, head, self.say)
        if data.unlabelled and head.name in OWN_NETWORK:
            raise InputError(
                f"--unlabelled goes with heads that say something of every pixel, not with {head.name}"
            )
        self.lesson = Lesson(
            head,
            n_channels,
            settings,
            set_up_torch(settings),
            start,
            fitting_augmentation(split.train, head, n_channels=n_channels),
        )
        self.judge: Judge = judge_of(head)
        self.halo: int | None = None

    def say(self, sentence: str) -> None:
        self.notes.append(sentence)
        if self.tell is not None:
            self.tell(sentence)

    def run(self) -> Outcome:
        if (self.work / "checkpoint.pt").exists():
            self.say(GOES_ON)
        split, lesson = self.data.split, self.lesson
        train = self._prepared(split.train, self.progress)
        val = [*chain.from_iterable(self._prepared(split.val))]
        curve = None
        if lesson.settings.curve:
            curve = learning_curve(
                lesson, train, val, split, self.judge, self._predict_from, self.work, self.progress, self.say
            )
        learned = learn(
            lesson,
            [*chain.from_iterable(train)],
            val,
            checkpoint=self.work / "checkpoint.pt",
            extra=self._consistency(),
            progress=self.progress,
            say=self.say,
        )
        del train, val  # judging needs the memory
        short = too_few_steps(learned.state.step, learned.state.minutes)
        if short and lesson.settings.steps is None:
            self.say(short)
        if learned.state.stopped:
            self.say(f"training ended early: {learned.state.stopped}")
        package, choice = self._chosen(learned.network)
        predict = package_predictor(package)
        rows = self.judge.count(predict, split.test, self.progress)
        figures = self.judge.figures(rows)
        if caution := finds_nothing(figures):
            self.say(caution)
        return Outcome(
            data=self.data,
            lesson=self.lesson,
            learned=learned,
            settings=package.settings,
            choice=choice,
            figures=figures,
            comparison=self._compare(rows),
            envelope=robustness(self.judge, predict, split.test, self.progress),
            curve=curve,
            notes=self.notes,
        )

    def _prepared(
        self, pairs: Sequence[LabelledImage], progress: Progress = silent
    ) -> Sequence[Sequence[Prepared]]:
        """Prepare each image, or the planes of each stack."""
        if self.data.split.of_stacks:
            return prepare_stacks(pairs, cast("PixelHead", self.lesson.head), progress)
        return [[one] for one in prepare_all(pairs, self.lesson.head, self.lesson.n_channels, progress)]

    def _chosen(self, network: nn.Module) -> tuple[NetworkPackage, dict[str, Any]]:
        """Choose on the validation images how outputs are used."""
        package, val = self._candidate(network), self.data.split.val
        head = self.lesson.head
        if not isinstance(head, ClassificationHead):
            return choose_on_validation(package, self.data.split, self.progress)
        temperature, record = choose_temperature(package_predictor(package), val, self.progress)
        if record["caution"]:
            self.say(record["caution"])
        self.lesson = replace(self.lesson, head=head.softened(temperature))
        return self._candidate(network), record

    def _candidate(self, network: nn.Module) -> NetworkPackage:
        lesson = self.lesson
        stride = int(getattr(network, "stride", 16))
        if lesson.head.name == "classification":
            self.halo = 0
        if self.halo is None:
            self.halo = receptive_reach(network, n_channels=lesson.n_channels, stride=stride)
        folder = self.work / "candidate"
        rgb = self.data.inputs.rgb
        return make_candidate(
            lesson, network, self.data.split, folder, stride=stride, halo=self.halo, rgb=rgb
        )

    def _predict_from(self, network: nn.Module) -> Predict:
        return package_predictor(self._candidate(network))

    def _consistency(self) -> Consistency | None:
        if not self.data.unlabelled:
            return None
        lesson = self.lesson
        images = [*chain.from_iterable(self._prepared(self.data.unlabelled))]
        return Consistency(lesson, images, size=crop_side(lesson.network(), lesson.settings))

    def _compare(self, rows: Sequence[Any]) -> Comparison | None:
        """Compare with the start on the locked images, where it says the same kind of thing."""
        if self.start is None:
            return None
        if self.start.head != self.lesson.head.name:
            self.say(
                f"{self.start.name} has a {self.start.head} head and the new one a {self.lesson.head.name} "
                "head, so there is nothing to compare; the new network stands alone"
            )
            return None
        if not self.start.hashes("train"):
            self.say(
                f"the package of {self.start.name} does not record which images it has learned from; where "
                "the locked images are among them, the comparison favours it"
            )
        before = judge_start(self.judge, self.start, self.data.split, self.progress)
        return compare_with_start(self.judge, rows, before, name=self.start.name)


def judge_start(judge: Judge, start: KnownNetwork, split: Split, progress: Progress) -> list[Any]:
    """Judge the start on the locked images.

    Parameters
    ----------
    judge
        What made the figures of the new network.
    start
        The network started from.
    split
        Has the locked images.
    progress
        Told how many are done.

    Returns
    -------
    list
        One row per image.
    """
    return judge.count(start_predictor(start, stacks=split.of_stacks), split.test, progress)


def _check_parts(data: TrainingImages) -> None:
    split = data.split
    check_not_empty(split.train, part="to learn from (train)")
    check_not_empty(split.val, part="to choose by (val)")
    check_not_empty(split.test, part="to judge by, which stay locked (test)")
