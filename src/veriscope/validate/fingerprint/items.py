"""The problem fingerprint: what has to be known about a problem before a metric can be chosen.

The items follow Metrics Reloaded [1]_; those marked *ours* do not stand there. Only numbers are given that
public texts quote from the paper's supplementary notes (arXiv:2206.01653v8): FP2.3, FP3.1, FP3.3, FP3.5,
FP3.6, FP4.3.1, FP4.6 and FP5.2, the last time in published research notes of 2026 on the segmentation of
coronary arteries. These also quote FP2.5.7, that imprecise annotations should be compensated for, which leads
to NSD; we ask no such item, but whether the reference is noisy. All others are named by words and by their
group (FP2 interest, FP3 structure, FP4 data, FP5 output).

What a field's docstring says is what a user is asked.

References
----------
.. [1] Maier-Hein, Reinke et al., Metrics reloaded: recommendations for image analysis validation,
   Nature Methods 21 (2024). doi:10.1038/s41592-023-02151-z
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from veriscope.core.settings import Settings

__all__ = ["CATEGORIES", "NUMBERS", "OURS", "Category", "Figure", "Fingerprint", "Source"]

Category = Literal["classification", "semantic", "detection", "instance", "restoration", "tracking"]
Source = Literal["measured", "said", "assumed"]

CATEGORIES: tuple[Category, ...] = (
    "classification",
    "semantic",
    "detection",
    "instance",
    "restoration",
    "tracking",
)
OURS: frozenset[Category] = frozenset({"restoration", "tracking"})
"""Categories that Metrics Reloaded does not have; extended by us in the same form."""

NUMBERS = {
    "category": "FP1",
    "centre_interest": "FP2.3",
    "small_structures": "FP3.1",
    "tubular": "FP3.3",
    "touching": "FP3.5",
    "disconnected": "FP3.6",
    "noisy_reference": "FP4.3.1",
    "reference_may_be_empty": "FP4.6",
    "prediction_may_be_empty": "FP5.2",
}
"""Numbers of the items in the paper, where a public quotation of its supplement confirms them."""


class Figure(Settings):
    """One number that was measured for an item."""

    item: str
    """Name of the item that the number speaks for."""
    name: str
    """What was measured, in words."""
    value: float = Field(allow_inf_nan=True)
    """The number; NaN where there was nothing to measure."""
    limit: float
    """The item holds where the number is beyond this limit; a choice of ours, not of the paper."""


class Fingerprint(Settings):
    """Everything about a problem that decides which metrics fit; unknown items have the usual answer."""

    category: Category | None = None
    """Which category is the problem of, if not the one that the other answers lead to by rule S1?"""
    whole_image_label: bool = False
    """Does the answer say one thing about a whole image, such as a grade, and not where it is?"""
    shape_needed: bool = True
    """Are outlines needed, or is it enough to know where objects are?"""
    instances_matter: bool = False
    """Must objects of one kind be told apart, to count or measure each?"""
    image_output: bool = False
    """Is the output an image of intensities, such as a denoised one? (ours)"""
    identity_over_time: bool = False
    """Must objects keep their identity from one time point to the next? (ours)"""
    objects_divide: bool = True
    """Can objects divide, so that it matters which descends from which? (ours)"""

    boundaries_matter: bool = False
    """Does the question depend on exact outlines, such as a distance or a surface?"""
    boundary_errors: Literal["share", "average", "worst"] = "share"
    """Should a boundary error count by how much outline is wrong, by its average, or its worst distance?"""
    volume_matters: bool = False
    """Is area or volume itself the quantity of interest?"""
    centre_interest: Literal["none", "centre", "centre line"] = "none"
    """Is the centre of objects, or the centre line of tubes, what is used later?"""
    connections_matter: bool = False
    """Does it matter which parts are connected, so that a short gap or a false bridge is an error? (ours)"""
    classes: Literal["one", "unordered", "ordinal"] = "one"
    """Is there one class against the rest, several, or several with an order, such as grades?"""
    costlier_error: Literal["none", "misses", "false positives"] = "none"
    """Is missing something worse than inventing something (under- against over-segmentation), or reverse?"""
    costs_known: bool = False
    """Can a cost be stated for each confusion of classes?"""
    compensate_imbalance: bool = False
    """Should rare classes count as much as frequent ones?"""
    decision: Literal["largest score", "threshold", "cost and benefit", "not yet"] = "largest score"
    """How scores become decisions: largest score, a threshold, weighing cost and benefit, or not decided."""
    false_positives_per_image: bool = False
    """Is the number of false alarms per image what users will notice?"""
    calibration_wanted: bool = False
    """Will stated probabilities be used as probabilities?"""
    intensities_measured: bool = False
    """Will intensities of restored images be measured, so that their scale must be right? (ours)"""
    fine_detail_matters: bool = False
    """Does the question depend on the finest detail of restored images? (ours)"""

    small_structures: bool = False
    """Are many objects only a few pixels across?"""
    size_variability: bool = False
    """Do sizes of objects differ by an order of magnitude?"""
    tubular: bool = False
    """Are structures thin and long, such as vessels, neurites, networks, or membranes cut across?"""
    touching: bool = False
    """Do objects touch or overlap?"""
    disconnected: bool = False
    """Can one object consist of several pieces?"""

    class_imbalance: bool = False
    """Is one class (background included) far more frequent than another?"""
    prevalence_representative: bool = True
    """Are classes as frequent in these data as where the method will be used?"""
    noisy_reference: bool = False
    """Would two experts draw noticeably different references?"""
    reference_outliers: bool = False
    """May the reference have stray pixels far from the structure?"""
    coarse_reference: bool = False
    """Is the reference only rough, such as boxes, points or polygons?"""
    dependent_cases: bool = False
    """Do several images come from one well, animal or patient?"""
    reference_may_be_empty: bool = False
    """Can an image have nothing to find?"""
    only_raw_reference: bool = False
    """Is the raw image all there is to compare a restored one with, and no cleaner one? (ours)"""

    scores_available: bool = False
    """Does the method give a score or probability with each answer?"""
    prediction_may_be_empty: bool = False
    """Can the method find nothing in an image?"""
    overlapping_predictions: bool = False
    """Can predicted objects share pixels?"""
    invalid_outputs: bool = False
    """Can the method give outputs that cannot be used, such as NaN or another image size?"""

    measured: frozenset[str] = frozenset()
    """Names of the items that were measured from data."""
    said: frozenset[str] = frozenset()
    """Names of the items that somebody stated; every item given is counted as stated unless measured."""
    figures: tuple[Figure, ...] = ()
    """Numbers behind the measured items, kept also where somebody overrode the answer."""

    @model_validator(mode="before")
    @classmethod
    def _note_sources(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "said" in values:
            return values
        given = set(values) & set(cls.items())
        return {**values, "said": sorted(given - set(values.get("measured", ())))}

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        unknown = (self.measured | self.said) - set(self.items())
        if unknown:
            raise ValueError(f"there are no items {', '.join(sorted(unknown))}")
        both = self.measured & self.said
        if both:
            raise ValueError(f"either measured or said, not both: {', '.join(sorted(both))}")
        return self

    @classmethod
    def items(cls) -> tuple[str, ...]:
        """Name all items, in order.

        Returns
        -------
        tuple of str
            Names of the fields that are questions.
        """
        return tuple(name for name in cls.model_fields if name not in {"measured", "said", "figures"})

    @classmethod
    def describe(cls, item: str) -> str:
        """Give the sentence that explains an item.

        Parameters
        ----------
        item
            Name of the item.

        Returns
        -------
        str
            A question; with its number in the paper where we know it.
        """
        number = NUMBERS.get(item)
        return f"{cls.model_fields[item].description}{f' ({number})' if number else ''}"

    def source(self, item: str) -> Source:
        """Say where an answer comes from.

        Parameters
        ----------
        item
            Name of the item.

        Returns
        -------
        str
            ``"measured"``, ``"said"``, or ``"assumed"`` if nobody said anything.
        """
        if item in self.measured:
            return "measured"
        return "said" if item in self.said else "assumed"

    def override(self, **answers: Any) -> Fingerprint:
        """Change answers; what was measured for them stays in the figures.

        Parameters
        ----------
        **answers
            New answers by item.

        Returns
        -------
        Fingerprint
            A new fingerprint in which these answers are said.

        Raises
        ------
        InputError
            If there is no such item, or an answer is not allowed.
        """
        sources = {"measured": self.measured - set(answers), "said": self.said | set(answers)}
        return Fingerprint.parse({**dict(self), **answers, **sources}, where="the fingerprint")
