"""Types of studies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from veriscope.server.models.problem import Answer, Problem, Request
from veriscope.server.models.session import Evidence

__all__ = [
    "DemoRequest",
    "DescribeRequest",
    "DescribedImage",
    "Description",
    "GroupAssignment",
    "GroupSize",
    "NewStudyRequest",
    "NextStep",
    "QuestionEffect",
    "QuestionForm",
    "QuestionRequest",
    "Step",
    "StudyDetail",
    "StudyList",
    "StudySummary",
    "VerdictSummary",
]

StepName = Literal["run", "draw", "annotate", "validate", "report"]
Word = Annotated[str, Field(min_length=1, max_length=200)]
PathText = Annotated[str, Field(min_length=1, max_length=4096)]
Spacing = dict[Literal["z", "y", "x"], Annotated[float, Field(gt=0, le=1e6)]]


class GroupSize(Answer):
    """A group of images."""

    group: str
    """Condition."""
    n_images: int
    """Images in it."""
    n_replicates: int
    """Experimental units in it."""


class NextStep(Answer):
    """What is to be done next."""

    step: Literal["run", "draw", "annotate", "validate", "more", "improve", "report", "done"]
    """Which step; ``more``: annotate more tiles; ``improve``: other candidates, or training."""
    text: str
    """For people."""
    tiles: int | None
    """How many more tiles would probably suffice, where that is what is missing and known."""


class Step(Answer):
    """A step of the path from images to a report."""

    step: StepName
    """Which step."""
    state: Literal["done", "next", "waiting", "stale"]
    """Stale: done, but something that it depends on has changed since."""
    text: str
    """For people."""


class VerdictSummary(Answer):
    """What may be done with the numbers."""

    verdict: str
    """``use``, ``correct``, ``annotate-more`` or another verdict of `veriscope.trust.verdict`."""
    text: str
    """For people."""
    method: str
    """Candidate."""
    evidence: Evidence
    """How far it can be trusted."""
    stale: bool
    """Whether something that it depends on has changed since."""


class StudySummary(Answer):
    """A study in the list."""

    id: str
    """Name of its folder."""
    name: str
    """Title."""
    question: str | None
    """As a sentence."""
    n_images: int
    """Images."""
    groups: list[GroupSize]
    """Groups, in the order of the images."""
    next: NextStep | None
    """What is to be done next."""
    verdict: VerdictSummary | None
    """What may be done with its numbers, once that is known."""
    thumbnail: str | None
    """Address of a picture."""
    modified: str
    """When it was last changed, ISO 8601."""
    problem: Problem | None = None
    """Why the study cannot be opened."""


class StudyList(Answer):
    """All studies of the server."""

    workspace: str
    """Name of the folder."""
    single: bool
    """Whether the server was started for one study."""
    studies: list[StudySummary]
    """Those changed last first."""


class QuestionForm(Answer):
    """What a study asks."""

    object: str
    """What is looked for."""
    measure: str
    """As ``veriscope new --measure`` takes it."""
    tolerance: float | None
    """Error that would change the conclusion, as a share of the answer."""
    level: float
    """Confidence level of the answer's interval."""
    text: str
    """As a sentence."""
    is_total: bool
    """Whether the answer is a total, not a ratio."""
    version: str
    """Entity tag of study.yaml, for the header ``If-Match`` of a change."""


class QuestionRequest(Request):
    """Another question for a study."""

    object: Word
    """What is looked for, in the singular; fixed once a tile is annotated."""
    measure: Word
    """What is asked of it."""
    tolerance: float | str | None = None
    """Error that would change the conclusion: 0.05 or 5%."""
    level: float = Field(default=0.9, gt=0.5, lt=1)
    """Confidence level of the answer's interval."""


class QuestionEffect(Answer):
    """What another question would mean for a study."""

    text: str
    """The new question as a sentence."""
    is_change: bool
    """Whether it differs from the one that is there."""
    again: list[str]
    """What has to be computed again."""
    stays: list[str]
    """What stays valid."""
    caution: list[str]
    """What a reader of the result should know."""


class StudyDetail(StudySummary):
    """A study."""

    question_form: QuestionForm | None
    """What it asks."""
    channel: str | None
    """Channel that the methods see."""
    channels: list[str]
    """Channel names of the images."""
    modalities: list[str]
    """Microscopy that the images can be of, by their pixels or the user; empty: not known."""
    calibrated: bool
    """Whether the pixel size of every image is known."""
    tile_size: int | None
    """Largest side of an audit tile, in pixels."""
    seed: int | None
    """Seed of the audit's draws."""
    steps: list[Step]
    """The path, step by step."""
    candidates: list[str]
    """Identifiers of the candidates."""
    path: str
    """Folder on the server."""


class GroupAssignment(Request):
    """Group and replicate of an image."""

    image: Word
    """Identifier of the image: its file name without ending."""
    group: Word
    """Condition."""
    replicate: Word | None = None
    """Experimental unit; None: the image is one of its own."""


class DescribeRequest(Request):
    """Images to look at before a study is made of them."""

    upload: str | None = Field(default=None, max_length=64)
    """Identifier of an upload."""
    paths: list[PathText] | None = Field(default=None, max_length=1000)
    """Folders, files or patterns of the server."""
    axes: str | None = Field(default=None, max_length=6)
    """Axes of the files where they do not say."""
    spacing: Spacing | None = None
    """Pixel size in µm by axis; overrides the files' own."""
    series: Annotated[int, Field(ge=0, le=100_000)] | Literal["each"] | None = None
    """Which image of files that hold several; ``each``: every one is an image."""


class DescribedImage(Answer):
    """What a file says of its image."""

    image: str
    """Name of the file."""
    series: int | None
    """Its number in a file that holds several; None: it is the only one."""
    format: str
    """File format."""
    axes: str
    """Its axes."""
    shape: list[int]
    """Its shape."""
    dtype: str
    """Type of its pixels."""
    spacing: str
    """Pixel size for people."""
    channels: list[str]
    """Channel names."""
    notes: list[str]
    """What a user should check."""


class Description(Answer):
    """What is known of image files."""

    images: list[DescribedImage]
    """Those that can be read."""
    faults: list[str]
    """Why others cannot."""
    ignored_files: list[str]
    """Files that are no images."""


class NewStudyRequest(DescribeRequest):
    """Everything that is asked when a study is made, as by ``veriscope new``."""

    folder: str = Field(min_length=1, max_length=100)
    """Name of its folder, which becomes its identifier."""
    title: Word | None = None
    """Title; None: the folder's name."""
    object: Word = "object"
    """What is looked for, in the singular."""
    measure: Word = "count"
    """What is asked of it."""
    tolerance: float | str | None = None
    """Error that would change the conclusion: 0.05 or 5%."""
    level: float = Field(default=0.9, gt=0.5, lt=1)
    """Confidence level of the answer's interval."""
    sheet: PathText | None = None
    """Sample sheet: a name inside the upload, or a path of the server."""
    assignments: list[GroupAssignment] | None = Field(default=None, max_length=100_000)
    """Groups and replicates, instead of a sheet."""
    group_by: Literal["row", "column", "plate"] | None = None
    """What groups are taken from without a sheet."""
    pattern: str | None = Field(default=None, max_length=500)
    """Pattern of file names, such as ``{plate}_{well}_{field}.tif``."""
    acquisition: int | None = Field(default=None, ge=0, le=100_000)
    """Which acquisition of plates that have several."""
    channel: Word | None = None
    """Channel that the methods see."""
    plane: str | None = Field(default=None, max_length=100)
    """Which planes of stacks and time-lapses, such as ``z=max,t=each``."""
    diameter: float | None = Field(default=None, gt=0, le=1e5)
    """Typical object diameter in pixels."""
    methods: list[Word] | None = Field(default=None, max_length=100)
    """Candidate methods; None: all that fit the object."""
    tile_size: int = Field(default=256, ge=16, le=4096)
    """Largest side of an audit tile, in pixels."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Seed of the audit's draws."""
    in_place: bool = False
    """Read the sources where they are, without a copy."""
    skip_bad: bool = False
    """Leave out images that cannot be used."""


class DemoRequest(Request):
    """A demo study."""

    folder: str = Field(default="demo", min_length=1, max_length=100)
    """Name of its folder."""
    tiles: int = Field(default=45, ge=15, le=1000)
    """Audit tiles in all."""
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    """Seed of simulation and audit."""
