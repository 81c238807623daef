"""A study: one question, its images, and everything derived, as one Python object.

::

    import veriscope as vs

    study = vs.Study.new("my-study", images="plate1/*.tif", object="nucleus", measure="count",
                         groups="sheet.csv", tolerance="5%")
    study.run()
    study.audit(tiles=20)            # then annotate, and: study.import_references("labels/")
    study.validate(); study.estimate(); study.verdict()
    study.report()
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from veriscope.core.cost import Assumptions
from veriscope.core.progress import Progress, silent
from veriscope.predict.units import Executor
from veriscope.workflow.answer import estimate_study
from veriscope.workflow.audit import draw_audit
from veriscope.workflow.conclude import conclude_study
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.cost import study_cost
from veriscope.workflow.create import NewStudy, create_study
from veriscope.workflow.judge import validate_study
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.problem import Ask, fingerprint_study
from veriscope.workflow.references import import_references
from veriscope.workflow.reporting import write_report
from veriscope.workflow.run import CandidateRun, run_candidates

__all__ = ["Study"]


class Study:
    """A study on disk.

    Parameters
    ----------
    path
        Folder of an existing study; `Study.new` makes one.

    Raises
    ------
    StudyError
        If the folder is not a study.
    InputError
        If study.yaml is wrong.
    """

    def __init__(self, path: str | Path) -> None:
        self._folder = StudyFolder(Path(path))
        self._config = read_config(self._folder.config)

    @classmethod
    def new(
        cls,
        path: str | Path,
        *,
        images: str | Path | Sequence[str | Path],
        progress: Progress = silent,
        **options: Any,
    ) -> Self:
        """Make a study from image files.

        Parameters
        ----------
        path
            Folder to make; must not exist.
        images
            Folder, file, glob pattern, or several of them.
        progress
            Told about every image.
        **options
            Fields of `veriscope.workflow.create.NewStudy`: ``object``, ``measure``, ``groups``,
            ``tolerance``, ``level``, ``channel``, ``axes``, ``spacing``, ``diameter`` and others.

        Returns
        -------
        Study
            The study; nothing is on disk if this fails.

        Raises
        ------
        StudyError
            If the folder exists already.
        InputError
            If images or options cannot be used; all faults are listed.
        """
        paths = [images] if isinstance(images, str | Path) else list(images)
        wanted = NewStudy.parse({"images": [str(item) for item in paths], **options}, where="new study")
        create_study(Path(path), wanted, progress=progress)
        return cls(path)

    @property
    def path(self) -> Path:
        """Folder of the study."""
        return self._folder.root

    @property
    def config(self) -> StudyConfig:
        """What study.yaml says."""
        return self._config

    @property
    def images(self) -> tuple[StudyImage, ...]:
        """The images."""
        return self._folder.images()

    def run(
        self,
        *,
        only: Sequence[str] | None = None,
        executor: Executor | None = None,
        memory: int | None = None,
        workers: int = 1,
        progress: Progress = silent,
    ) -> tuple[CandidateRun, ...]:
        """Run the candidates on every image and measure the objects; what is current is skipped.

        Parameters
        ----------
        only
            Identifiers of candidates; None runs all.
        executor
            Where images are predicted, such as `veriscope.predict.cluster.cluster_executor`; None: here, in
            `workers` processes.
        memory
            Bytes for predicting, for each worker of a cluster or for all processes here together: images that
            need more are predicted part by part. None: what there is.
        workers
            Number of processes of this computer; 1 works in this one.
        progress
            Told about every image.

        Returns
        -------
        tuple of CandidateRun
            What became of each candidate.
        """
        return run_candidates(
            self._folder,
            self._config,
            only=only,
            executor=executor,
            memory=memory,
            workers=workers,
            progress=progress,
        )

    def audit(
        self,
        *,
        tiles: int | None = None,
        more: int = 0,
        training: int | None = None,
        everything: bool = False,
    ) -> dict[str, Any]:
        """Draw tiles with known probability, and write them out for annotation.

        Parameters
        ----------
        tiles
            Audit tiles to have been drawn in all; drawing never takes any back.
        more
            Audit tiles to draw beyond those there are.
        training
            Training tiles to have been drawn in all, for candidates that learn.
        everything
            Put out all other tiles, too, to annotate the whole study.

        Returns
        -------
        dict
            ``veriscope/audit/1``: what is drawn, what is annotated, where to annotate.
        """
        return draw_audit(
            self._folder, self._config, tiles=tiles, more=more, training=training, everything=everything
        )

    def import_references(
        self, labels: str | Path, *, annotator: str = "annotator", whole_images: bool = False
    ) -> dict[str, Any]:
        """Take in what people drew on the tiles.

        Parameters
        ----------
        labels
            Folder with one file per tile or per image: label images, Fiji ROIs, QuPath GeoJSON,
            Cellpose masks or outlines.
        annotator
            Who drew them.
        whole_images
            The folder has references of whole images; those that the audit does not need are no fault.

        Returns
        -------
        dict
            ``veriscope/audit/1``, as `audit`.
        """
        return import_references(
            self._folder, self._config, Path(labels), annotator=annotator, whole_images=whole_images
        )

    def validate(self) -> dict[str, Any]:
        """Judge every candidate on the audited tiles.

        Returns
        -------
        dict
            ``veriscope/validate/1``: metrics with intervals, agreement, paired comparisons.
        """
        return validate_study(self._folder, self._config)

    def fingerprint(
        self, *, answers: Mapping[str, Any] | None = None, ask: Ask | None = None
    ) -> dict[str, Any]:
        """Describe the problem, and choose the metrics that fit it.

        Parameters
        ----------
        answers
            Answers by item, that override what was measured or said before; saved in study.yaml.
        ask
            Asks a person for what is open; None: nobody is asked.

        Returns
        -------
        dict
            ``veriscope/fingerprint/1``: items with their sources, what is open, and the advice.
        """
        found = fingerprint_study(self._folder, self._config, answers=answers, ask=ask)
        self._config = read_config(self._folder.config)
        return found

    def estimate(self, *, method: str | None = None) -> dict[str, Any]:
        """Answer the question, with an interval that counts the model's errors.

        Parameters
        ----------
        method
            Candidate whose predictions are corrected; None takes the one that validation ranks first.

        Returns
        -------
        dict
            ``veriscope/estimate/1``.
        """
        return estimate_study(self._folder, self._config, method=method)

    def verdict(self, *, method: str | None = None) -> dict[str, Any]:
        """Say what may be done with the numbers, and why.

        Parameters
        ----------
        method
            Candidate; None takes the one that validation ranks first.

        Returns
        -------
        dict
            ``veriscope/verdict/1``.
        """
        return conclude_study(self._folder, self._config, method=method)

    def cost(self, *, assumptions: Assumptions | None = None) -> dict[str, Any]:
        """Say what all work on the study has cost so far: time, memory, bytes, energy and carbon.

        Parameters
        ----------
        assumptions
            What energy and carbon are estimated with; None takes them from environment variables, such as
            ``VERISCOPE_PUE``, and defaults.

        Returns
        -------
        dict
            ``veriscope/cost/1``.
        """
        return study_cost(self._folder, assumptions or Assumptions.from_environment(os.environ))

    def report(
        self, *, method: str | None = None, truth: Mapping[str, float] | None = None, truth_source: str = ""
    ) -> Path:
        """Write the report: JSON first, then one self-contained HTML file from it.

        Parameters
        ----------
        method
            Candidate; None takes the one that validation ranks first.
        truth
            Known answer by group, for simulated and fully annotated data; shown beside the estimate.
        truth_source
            Where the truth comes from.

        Returns
        -------
        pathlib.Path
            ``report/index.html``.
        """
        return write_report(self._folder, self._config, method=method, truth=truth, truth_source=truth_source)
