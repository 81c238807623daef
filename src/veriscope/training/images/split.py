"""Which images teach, which choose, and which are locked away until the end: by group, never by tile."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from veriscope.core.words import counted, joined
from veriscope.errors import InputError, TableError
from veriscope.training.images.pairs import LabelledImage

__all__ = ["PARTS", "Part", "Split", "group_images", "make_split"]

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
"""What a table of parts may say."""
_GROUP_COLUMNS = ("field_group", "group", "replicate", "field")
_SHEET_COLUMNS = ("field_group", "replicate", "field", "well", "animal", "group")
_CONDITION, _REPLICATE = "group", "replicate"
"""In a sample sheet replicates are numbered within their group."""
_SHARE = 0.15
"""Of the groups that go to validation, and to the locked set."""


@dataclass(frozen=True, slots=True)
class Split:
    """The part of every image.

    Parameters
    ----------
    train, val, test
        Images to learn from, to choose by, and locked ones.
    how
        One sentence: where the split comes from, and what a group is.
    """

    train: tuple[LabelledImage, ...]
    val: tuple[LabelledImage, ...]
    test: tuple[LabelledImage, ...]
    how: str

    @property
    def of_stacks(self) -> bool:
        """Whether the images are stacks.

        Returns
        -------
        bool
            All are, or none.
        """
        return any(pair.labels.ndim == 3 for pair in self.train)

    def of(self, part: Part) -> tuple[LabelledImage, ...]:
        """Give the images of a part.

        Parameters
        ----------
        part
            ``train``, ``val`` or ``test``.

        Returns
        -------
        tuple of LabelledImage
            In natural order.
        """
        return cast("tuple[LabelledImage, ...]", getattr(self, part))

    def to_dict(self) -> dict[str, object]:
        """Give plain values for the record.

        Returns
        -------
        dict
            ``how``, and for each part images, objects, groups, and the hashes of the pixels.
        """
        return {"how": self.how} | {
            part: {
                "images": len(self.of(part)),
                "objects": sum(pair.n_objects for pair in self.of(part)),
                "groups": len({pair.group for pair in self.of(part)}),
                "pixel_sha256": sorted(pair.sha256 for pair in self.of(part)),
            }
            for part in PARTS
        }


def group_images(
    pairs: Sequence[LabelledImage],
    by: str | None,
    table: Mapping[str, Mapping[str, str]] | None = None,
    *,
    is_sheet: bool = False,
) -> tuple[list[LabelledImage], str]:
    """Say which images belong together.

    Parameters
    ----------
    pairs
        The images.
    by
        A column of the table; or a pattern of the names in which ``{group}`` stands for the group and ``*``
        for the rest, such as ``{group}_*``; None: the first column of the table that names groups, else
        each image is taken for a field of its own, and so are all images of a file together.
    table
        Rows of a table by stem.
    is_sheet
        Whether the table is a sample sheet: then every image must be in it, replicates are taken first, and
        they are numbered within their ``group``.

    Returns
    -------
    pairs, sentence
        The images with their groups. Images of equal pixels always share a group. And what a group is.

    Raises
    ------
    InputError
        If a name does not fit the pattern, or the table has no such column.
    """
    if by is not None and "{group}" in by:
        groups = _by_pattern(pairs, by)
        sentence = f"groups by the names, {by}"
    elif by is not None and table is not None:
        groups = _by_column(pairs, by, table, is_sheet=is_sheet)
        sentence = f"groups by the column {by}"
    elif by is not None:
        raise InputError(
            f"--group-by {by!r} is neither a pattern with {{group}}, such as '{{group}}_*', nor a column of "
            "a table, since none was given: give --sheet, or --split"
        )
    else:
        known = _SHEET_COLUMNS if is_sheet else _GROUP_COLUMNS
        named = [name for name in known if table and all(name in row for row in table.values())]
        groups = (
            _by_column(pairs, named[0], table, is_sheet=is_sheet)
            if named and table
            else {pair.stem: pair.group for pair in pairs}
        )
        kind = "image" if all(pair.group == pair.stem for pair in pairs) else "file"
        sentence = (
            f"groups by the column {named[0]}"
            if named
            else f"each {kind} was taken for a field of its own (--group-by says otherwise)"
        )
    return [replace(pair, group=groups[pair.stem]) for pair in _joined(pairs, groups)], sentence


def _joined(pairs: Sequence[LabelledImage], groups: dict[str, str]) -> Sequence[LabelledImage]:
    """Give images of equal pixels one group, changing `groups` in place."""
    first: dict[str, str] = {}
    for pair in pairs:
        own = groups[pair.stem]
        known = first.setdefault(pair.sha256, own)
        if known != own:
            for stem, group in groups.items():
                groups[stem] = known if group == own else group
            for sha256, group in first.items():
                first[sha256] = known if group == own else group
    return pairs


def _by_pattern(pairs: Sequence[LabelledImage], pattern: str) -> dict[str, str]:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(re.escape("{group}"), "(.+?)", 1)
    fits = {pair.stem: re.fullmatch(expression, pair.stem) for pair in pairs}
    wrong = [stem for stem, fit in fits.items() if fit is None]
    if wrong or expression.count("(.+?)") != 1:
        raise InputError(
            f"--group-by {pattern!r} does not fit {len(wrong)} of {len(pairs)} names, such as "
            f"{', '.join(wrong[:3])}; write {{group}} once where the group stands and * for the rest"
        )
    return {stem: fit.group(1) for stem, fit in fits.items() if fit is not None}


def _by_column(
    pairs: Sequence[LabelledImage],
    column: str,
    table: Mapping[str, Mapping[str, str]],
    *,
    is_sheet: bool,
) -> dict[str, str]:
    some, asked = next(iter(table.values()), {}), column
    column = column.lower()
    if column not in some:
        kind = "sample sheet" if is_sheet else "split table"
        raise TableError(f"--group-by: the {kind} has no column {asked!r}; it has {', '.join(some)}")
    missing = [pair.stem for pair in pairs if pair.stem not in table]
    if is_sheet and missing:
        raise TableError(
            f"the sample sheet has no row for {len(missing)} of {len(pairs)} images: "
            f"{', '.join(missing[:10])}; add them"
        )
    within = is_sheet and column == _REPLICATE and _CONDITION in some
    found = {}
    for pair in pairs:
        row = table.get(pair.stem, {})
        if value := row.get(column, ""):
            found[pair.stem] = joined(row[_CONDITION], value) if within else value
        else:
            found[pair.stem] = pair.stem
    return found


def make_split(
    pairs: Sequence[LabelledImage],
    *,
    table: Mapping[str, Mapping[str, str]] | None = None,
    seed: int = 0,
    learnt: Collection[str] = (),
    locked: Collection[str] = (),
    groups_are: str = "",
) -> Split:
    """Part the images by group.

    Parameters
    ----------
    pairs
        Images with their groups.
    table
        Part of each image by stem; None: drawn at random, about 15 % of the groups for validation and 15 %
        locked, at least one each.
    seed
        Of the draw.
    learnt, locked
        Hashes of the pixels that the network to start from has learned from, and of those that were locked
        then: the former are not locked now, the latter stay so.
    groups_are
        What a group is, for the record.

    Returns
    -------
    Split
        Every group lies in one part.

    Raises
    ------
    InputError
        If there are fewer than three groups, a group or equal pixels lie in two parts, or an image is in
        a part which what the start saw forbids; all faults are listed.
    """
    seen = _Seen.find(pairs, learnt, locked)
    if table is None:
        parts = _drawn(pairs, seen, seed)
        how = f"drawn by group with seed {seed}"
    else:
        missing = [pair.stem for pair in pairs if pair.stem not in table]
        if missing:
            raise TableError(
                f"the split table has no row for {len(missing)} of {len(pairs)} images: "
                f"{', '.join(missing[:10])}; add them"
            )
        parts = {pair.stem: cast("Part", table[pair.stem]["split"]) for pair in pairs}
        how = "as the split table says"
    _refuse_leaks(pairs, parts, seen)
    found = {part: tuple(pair for pair in pairs if parts[pair.stem] == part) for part in PARTS}
    return Split(**found, how=f"{how}; {groups_are}" if groups_are else how)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Groups of which a start has seen images."""

    locked: frozenset[str]
    learnt: frozenset[str]

    @classmethod
    def find(cls, pairs: Sequence[LabelledImage], learnt: Collection[str], locked: Collection[str]) -> _Seen:
        known, kept = set(learnt), set(locked)
        of_locked = {pair.group for pair in pairs if pair.sha256 in kept}
        of_learnt = {pair.group for pair in pairs if pair.sha256 in known}
        return cls(frozenset(of_locked), frozenset(of_learnt - of_locked))


def _drawn(pairs: Sequence[LabelledImage], seen: _Seen, seed: int) -> dict[str, Part]:
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    if len(groups) < 3:
        has_labels = any(pair.kind is not None or (pair.labels >= 0).any() for pair in pairs)
        raise InputError(
            f"{counted(len(pairs), 'image')} of {counted(len(groups), 'group')} cannot be parted: training "
            "needs at least three fields, one to learn from, one to choose by and one that stays locked for "
            f"the test; {'annotate' if has_labels else 'add images of'} more fields (tiles of one field "
            "count once, and so do equal images)"
        )
    order = [groups[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    with_objects = {pair.group for pair in pairs if (pair.labels > 0).any()}
    # Groups with objects first, so that no part is left with empty images alone.
    order = sorted(order, key=lambda group: group not in with_objects)
    part_of: dict[str, Part] = dict.fromkeys(seen.locked, "test")
    for stratum in _strata(pairs, order):
        _draw_from(stratum, seen, part_of)
    has_classes = any(pair.kind is not None for pair in pairs)
    if has_classes and not seen.learnt and not {"test", "val"} <= set(part_of.values()):
        raise InputError(
            f"the {len(groups)} groups cannot be parted: no class is in three of them, one to learn from, "
            "one to choose by and one that stays locked, and a class that is in one group alone cannot be "
            "told from that group; give images of each class from three groups or more"
        )
    if "test" not in part_of.values():
        raise InputError(
            "the network to start from has learned from all of these groups, so none can judge whether it "
            "became better; add images that it has not seen"
        )
    for group in order:
        part_of.setdefault(group, "train")
    return {pair.stem: part_of[pair.group] for pair in pairs}


def _strata(pairs: Sequence[LabelledImage], order: Sequence[str]) -> list[list[str]]:
    """Give the groups by the rarest class in them, so that every class comes into every part if it can."""
    kinds: dict[str, set[int]] = {group: set() for group in order}
    for pair in pairs:
        if pair.kind is not None:
            kinds[pair.group].add(pair.kind.number)
    counts = Counter(number for found in kinds.values() for number in found)
    strata: dict[int, list[str]] = {}
    for group in order:
        rarest = min(kinds[group], key=lambda number: (counts[number], number), default=-1)
        strata.setdefault(rarest, []).append(group)
    return [strata[key] for key in sorted(strata)]


def _draw_from(order: Sequence[str], seen: _Seen, part_of: dict[str, Part]) -> None:
    """Choose groups to be locked and to choose by; at least one each, but for two groups or fewer."""
    wanted = max(1, round(_SHARE * len(order)))
    for part, spared in (("test", 1), ("val", 2)):
        for group in order:
            if len(order) <= spared or sum(part_of.get(one) == part for one in order) >= wanted:
                break
            if part == "val" or group not in seen.learnt:
                part_of.setdefault(group, cast("Part", part))


def _refuse_leaks(pairs: Sequence[LabelledImage], parts: Mapping[str, Part], seen: _Seen) -> None:
    faults: list[str] = []
    first: dict[tuple[str, str], LabelledImage] = {}
    for pair in pairs:
        for kind, key in (("equal pixels", pair.sha256), (f"group {pair.group}", pair.group)):
            other = first.setdefault((kind.split()[0], key), pair)
            if parts[other.stem] != parts[pair.stem]:
                faults.append(
                    f"{other.stem} ({parts[other.stem]}) and {pair.stem} ({parts[pair.stem]}): {kind}"
                )
                break
        if pair.group in seen.locked and parts[pair.stem] != "test":
            faults.append(f"{pair.stem} ({parts[pair.stem]}): locked when the start was trained, so test")
        if pair.group in seen.learnt and parts[pair.stem] == "test":
            faults.append(f"{pair.stem} (test): the start has learned from it, so it cannot judge it")
    if faults:
        more = [f"  … and {len(faults) - 20} more"] if len(faults) > 20 else []
        remedy = "Put what belongs together into one part"
        if any("the start" in fault for fault in faults):
            remedy += (
                "; leave the table out to keep what the start was parted by, or start from a network that "
                "has not seen these images"
            )
        raise InputError(
            "\n".join(
                [
                    "what judges must be apart from what teaches, and the split leaks:",
                    *(f"  - {fault}" for fault in faults[:20]),
                    *more,
                    remedy,
                ]
            )
        )
