"""No group is ever in two parts, a draw repeats, and what a start has seen does not judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from veriscope.core.classes import ImageClass
from veriscope.core.image import Image
from veriscope.core.words import counted
from veriscope.errors import InputError, TableError
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import PARTS, Split, group_images, make_split

IMAGE = Image(np.zeros((2, 2), np.uint8), "yx")
KINDS = ("a", "b", "c")


def pair(number: int, group: str = "", sha256: str = "", *, kind: int | None = None, objects: int = 1) -> Any:
    labels = np.zeros((2, 2), np.int32)
    labels.flat[:objects] = range(1, objects + 1)
    return LabelledImage(
        f"i{number}",
        IMAGE,
        labels,
        group or f"i{number}",
        sha256 or f"hash {number}",
        kind=None if kind is None else ImageClass(kind, KINDS),
    )


def by_part(split: Split) -> dict[str, set[str]]:
    return {part: {one.stem for one in split.of(part)} for part in PARTS}


fields = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12)), min_size=3, max_size=30)


@given(fields)
@hypothesis_settings(max_examples=60)
def test_groups_are_those_that_columns_and_equal_pixels_tie_together(
    given_fields: list[tuple[int, int]],
) -> None:
    pairs = [pair(i, sha256=f"pixels {pixels}") for i, (_, pixels) in enumerate(given_fields)]
    table = {f"i{i}": {"group": f"g{group}"} for i, (group, _) in enumerate(given_fields)}
    found, sentence = group_images(pairs, "group", table)
    assert sentence == "groups by the column group"
    assert [one.stem for one in found] == [one.stem for one in pairs]
    n = len(pairs)
    ties = [
        (i, j)
        for i in range(n)
        for j in range(i)
        if given_fields[i][0] == given_fields[j][0] or given_fields[i][1] == given_fields[j][1]
    ]
    rows, columns = (np.array([tie[k] for tie in ties], int) for k in (0, 1))
    graph = coo_matrix((np.ones(len(ties)), (rows, columns)), shape=(n, n))
    n_groups, expected = connected_components(graph, directed=False)
    groups = [one.group for one in found]
    assert len(set(groups)) == n_groups
    assert len(set(zip(groups, expected, strict=True))) == n_groups


@given(fields, st.integers(0, 1000), st.lists(st.booleans(), min_size=30, max_size=30))
@hypothesis_settings(max_examples=80)
def test_a_draw_parts_whole_groups_repeats_and_leaves_something_in_every_part(
    given_fields: list[tuple[int, int]], seed: int, annotated: list[bool]
) -> None:
    pairs = [
        pair(i, f"g{group}", objects=int(has))
        for i, ((group, _), has) in enumerate(zip(given_fields, annotated, strict=False))
    ]
    groups = {one.group for one in pairs}
    if len(groups) < 3:
        with pytest.raises(InputError) as error:
            make_split(pairs, seed=seed)
        counts = f"{counted(len(pairs), 'image')} of {counted(len(groups), 'group')}"
        assert str(error.value).startswith(f"{counts} cannot be parted: ")
        return
    split = make_split(pairs, seed=seed, groups_are="by hand")
    parts = by_part(split)
    assert split.how == f"drawn by group with seed {seed}; by hand"
    assert sorted(stem for part in parts.values() for stem in part) == sorted(one.stem for one in pairs)
    of = {part: {one.group for one in split.of(part)} for part in PARTS}
    assert sum(len(part) for part in of.values()) == len(groups)
    for part in ("val", "test"):
        assert len(of[part]) == max(1, round(0.15 * len(groups)))
    assert by_part(make_split(pairs, seed=seed)) == parts
    with_objects = {one.group for one in pairs if one.n_objects}
    if len(with_objects) >= 3:
        assert all(of[part] & with_objects for part in PARTS)
    record = split.to_dict()
    for part in PARTS:
        told = record[part]
        assert isinstance(told, dict)
        assert told["images"] == len(split.of(part)) == len(told["pixel_sha256"])
        assert told["groups"] == len(of[part])
        assert told["objects"] == sum(one.n_objects for one in split.of(part))


@given(st.integers(0, 200))
@hypothesis_settings(max_examples=20)
def test_seeds_draw_differently_and_the_order_of_files_is_not_what_is_drawn(seed: int) -> None:
    pairs = [pair(i) for i in range(40)]
    drawn = {frozenset(by_part(make_split(pairs, seed=seed + more))["test"]) for more in range(4)}
    assert len(drawn) > 1


@given(fields, st.integers(0, 50), st.data())
@hypothesis_settings(max_examples=80)
def test_what_a_start_has_seen_stays_where_it_was(
    given_fields: list[tuple[int, int]], seed: int, data: st.DataObject
) -> None:
    pairs = [pair(i, f"g{group}") for i, (group, _) in enumerate(given_fields)]
    hashes = [one.sha256 for one in pairs]
    learnt = set(data.draw(st.lists(st.sampled_from(hashes), max_size=6)))
    locked = set(data.draw(st.lists(st.sampled_from(hashes), max_size=6)))
    try:
        split = make_split(pairs, seed=seed, learnt=learnt, locked=locked)
    except InputError as error:
        text = str(error)
        assert "cannot be parted" in text or "has learned from all of these groups" in text
        return
    kept = {one.group for one in pairs if one.sha256 in locked}
    known = {one.group for one in pairs if one.sha256 in learnt} - kept
    test = {one.group for one in split.test}
    assert kept <= test
    assert not known & test


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), min_size=6, max_size=40),
    st.integers(0, 30),
)
@hypothesis_settings(max_examples=80)
def test_a_class_of_three_groups_or_more_comes_into_every_part(
    images: list[tuple[int, int]], seed: int
) -> None:
    # Each group has one class, so that nothing but the draw decides.
    pairs = [pair(i, f"{kind} {group}", kind=kind) for i, (kind, group) in enumerate(images)]
    groups_of = {kind: {one.group for one in pairs if one.kind.number == kind} for kind in range(3)}
    assume(sum(map(len, groups_of.values())) >= 3)
    try:
        split = make_split(pairs, seed=seed)
    except InputError as error:
        assert all(len(groups) < 3 for groups in groups_of.values())
        assert "no class is in three of them" in str(error)
        return
    for kind, groups in groups_of.items():
        there = {part for part in PARTS if any(one.kind.number == kind for one in split.of(part))}
        if len(groups) >= 3:
            assert there == set(PARTS)
        elif groups:
            assert "train" in there


def table_of(parts: list[str]) -> dict[str, dict[str, str]]:
    return {f"i{number}": {"split": part} for number, part in enumerate(parts)}


def test_a_table_is_kept_to_and_its_rows_may_be_more() -> None:
    pairs = [pair(i) for i in range(4)]
    split = make_split(pairs, table=table_of(["test", "train", "val", "train", "val"]), groups_are="fields")
    assert by_part(split) == {"train": {"i1", "i3"}, "val": {"i2"}, "test": {"i0"}}
    assert split.how == "as the split table says; fields"


def test_every_leak_is_named_with_its_images_and_parts() -> None:
    pairs = [pair(0, "g"), pair(1, "g"), pair(2, sha256="same"), pair(3, sha256="same"), pair(4), pair(5)]
    table = table_of(["train", "test", "val", "train", "train", "test"])
    with pytest.raises(InputError) as error:
        make_split(pairs, table=table, locked=["hash 4"], learnt=["hash 5"])
    assert str(error.value).splitlines() == [
        "what judges must be apart from what teaches, and the split leaks:",
        "  - i0 (train) and i1 (test): group g",
        "  - i2 (val) and i3 (train): equal pixels",
        "  - i4 (train): locked when the start was trained, so test",
        "  - i5 (test): the start has learned from it, so it cannot judge it",
        "Put what belongs together into one part; leave the table out to keep what the start was parted by, "
        "or start from a network that has not seen these images",
    ]
    with pytest.raises(InputError, match=r"equal pixels\nPut what belongs together into one part$"):
        make_split(pairs[2:4], table=table)


def test_of_very_many_leaks_twenty_are_named() -> None:
    pairs = [pair(i, "one") for i in range(30)]
    with pytest.raises(InputError) as error:
        make_split(pairs, table=table_of(["train"] + ["test"] * 29))
    lines = str(error.value).splitlines()
    assert len(lines) == 23
    assert lines[1] == "  - i0 (train) and i1 (test): group one"
    assert lines[-2] == "  … and 9 more"


def test_a_table_that_lacks_images_names_ten_of_them() -> None:
    pairs = [pair(i) for i in range(14)]
    with pytest.raises(TableError) as error:
        make_split(pairs, table=table_of(["train", "val"]))
    assert str(error.value) == (
        "the split table has no row for 12 of 14 images: i2, i3, i4, i5, i6, i7, i8, i9, i10, i11; add them"
    )


def test_a_pattern_takes_the_shortest_group_that_fits() -> None:
    pairs = [pair(0), pair(1)]
    named = [
        LabelledImage(stem, IMAGE, one.labels, stem, one.sha256)
        for stem, one in zip(("mouse.1_s1_z", "mouse.2_s1_z"), pairs, strict=True)
    ]
    found, sentence = group_images(named, "{group}_*")
    assert [one.group for one in found] == ["mouse.1", "mouse.2"]
    assert sentence == "groups by the names, {group}_*"
    found, _ = group_images(named, "mouse*_{group}_z")
    assert [one.group for one in found] == ["s1", "s1"]


@pytest.mark.parametrize("pattern", ["{group}_s9_*", "{group}_{group}", "{group}", "mouse[12]_{group}"])
def test_a_pattern_that_does_not_fit_names_what_does_not(pattern: str) -> None:
    pairs = [pair(i) for i in range(5)]
    if pattern == "{group}":
        assert [one.group for one in group_images(pairs, pattern)[0]] == [one.stem for one in pairs]
        return
    with pytest.raises(InputError) as error:
        group_images(pairs, pattern)
    assert str(error.value) == (
        f"--group-by {pattern!r} does not fit 5 of 5 names, such as i0, i1, i2; write {{group}} once where "
        "the group stands and * for the rest"
    )


def test_a_column_without_a_table_is_refused() -> None:
    with pytest.raises(InputError) as error:
        group_images([pair(0)], "animal")
    assert str(error.value) == (
        "--group-by 'animal' is neither a pattern with {group}, such as '{group}_*', nor a column of a "
        "table, since none was given: give --sheet, or --split"
    )


def test_a_column_that_is_not_there_is_answered_with_those_that_are() -> None:
    table = {"i0": {"image": "i0", "well": "B03"}}
    for is_sheet, kind in ((True, "sample sheet"), (False, "split table")):
        with pytest.raises(TableError) as error:
            group_images([pair(0)], "Animal", table, is_sheet=is_sheet)
        assert str(error.value) == f"--group-by: the {kind} has no column 'Animal'; it has image, well"


def test_a_sheet_has_to_name_every_image_and_a_split_table_need_not() -> None:
    pairs, table = [pair(0), pair(1)], {"i0": {"well": "B03"}}
    with pytest.raises(TableError) as error:
        group_images(pairs, "well", table, is_sheet=True)
    assert str(error.value) == "the sample sheet has no row for 1 of 2 images: i1; add them"
    assert [one.group for one in group_images(pairs, "well", table)[0]] == ["B03", "i1"]
