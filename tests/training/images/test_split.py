from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.classes import ImageClass
from veriscope.core.image import Image
from veriscope.errors import InputError, TableError, UnreadableFileError
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.images.split import Part, group_images, make_split
from veriscope.training.images.split_tables import read_sheet, read_split

PARTS: tuple[Part, ...] = ("train", "val", "test")


def image(stem: str, *, group: str = "", seed: int | None = None, objects: int = 1) -> LabelledImage:
    value = abs(hash(stem)) % 60000 if seed is None else seed
    pixels = np.full((4, 4), value, np.uint16)
    labels = np.zeros((4, 4), np.int32)
    labels.ravel()[:objects] = np.arange(1, objects + 1)
    return LabelledImage(stem, Image(pixels, "yx"), labels, group or stem, pixel_hash(pixels))


def images(n: int) -> list[LabelledImage]:
    return [image(f"g{number // 2}_{number}", seed=number) for number in range(n)]


@given(st.integers(6, 40), st.integers(0, 1000))
def test_a_group_is_never_in_two_parts(n: int, seed: int) -> None:
    pairs, _ = group_images(images(n), "{group}_*")
    split = make_split(pairs, seed=seed)
    parts = [{pair.group for pair in split.of(part)} for part in ("train", "val", "test")]
    assert all(parts)
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert sum(map(len, parts)) == len({pair.group for pair in pairs})


def test_the_same_seed_gives_the_same_split() -> None:
    one, two = (make_split(images(20), seed=4).to_dict() for _ in range(2))
    assert one == two
    assert make_split(images(20), seed=5).to_dict()["test"] != one["test"]


def test_too_few_fields_are_refused_with_what_is_needed() -> None:
    pairs, _ = group_images(images(4), "{group}_*")
    with pytest.raises(
        InputError, match="4 images of 2 groups cannot be parted: training needs at least three"
    ):
        make_split(pairs)


@pytest.mark.parametrize(
    ("value", "remedy"), [(0, "annotate more fields"), (-1, "add images of more fields")]
)
def test_only_whoever_annotates_is_told_to_annotate_more(value: int, remedy: str) -> None:
    (one,), _ = group_images([image("a", seed=1)], None)
    with pytest.raises(InputError, match=f"1 image of 1 group cannot be parted: .*; {remedy}"):
        make_split([replace(one, labels=np.full_like(one.labels, value))])


def test_equal_pixels_share_a_group() -> None:
    pairs, _ = group_images([image("a", seed=1), image("b", seed=1), image("c", seed=2)], None)
    assert pairs[0].group == pairs[1].group != pairs[2].group


def test_a_leak_by_group_and_by_pixels_is_refused() -> None:
    pairs = [image("a", group="f1"), image("b", group="f1"), image("c", seed=7), image("d", seed=7)]
    parts = {"a": "train", "b": "test", "c": "train", "d": "val"}
    with pytest.raises(InputError) as error:
        make_split(pairs, table={stem: {"split": part} for stem, part in parts.items()})
    text = str(error.value)
    assert "a (train) and b (test): group f1" in text
    assert "c (train) and d (val): equal pixels" in text


def test_what_was_locked_stays_locked_and_what_was_learned_does_not_judge() -> None:
    pairs = images(12)
    locked, learnt = [pairs[3].sha256], [pairs[5].sha256, pairs[6].sha256]
    for seed in range(5):
        split = make_split(pairs, seed=seed, locked=locked, learnt=learnt)
        assert pairs[3] in split.test
        assert pairs[5] not in split.test and pairs[6] not in split.test
    table = {pair.stem: {"split": "train"} for pair in pairs} | {
        pairs[5].stem: {"split": "test"},
        pairs[8].stem: {"split": "val"},
    }
    with pytest.raises(InputError) as error:
        make_split(pairs, table=table, locked=locked, learnt=learnt)
    assert f"{pairs[3].stem} (train): locked when the start was trained" in str(error.value)
    assert f"{pairs[5].stem} (test): the start has learned from it" in str(error.value)


def test_images_that_the_start_has_all_seen_cannot_judge() -> None:
    pairs = images(8)
    with pytest.raises(InputError, match="has learned from all of these groups"):
        make_split(pairs, learnt=[pair.sha256 for pair in pairs])


def test_images_without_objects_do_not_fill_a_part() -> None:
    pairs = [image(f"e{n}", seed=100 + n, objects=0) for n in range(6)] + images(3)
    split = make_split(pairs, seed=1)
    for part in ("val", "test"):
        assert any(pair.n_objects for pair in split.of(part))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("name,split\na,train\n", TableError, "needs the columns stem and split; it has name, split"),
        ("stem,split\na,locked\n", TableError, "split 'locked' is not allowed; use train, val or test"),
        (
            "stem,split\na,train\na,val\n",
            TableError,
            "a is said to be in train and in val; an image is in one part",
        ),
        ("stem,split\n", TableError, r"has a header \(stem, split\) and no row; give a row per image"),
        ("", UnreadableFileError, "is empty; give a CSV table with a header and a row per image"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(error, match=message):
        read_split(tmp_path / "split.csv")


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"split\.csv: cannot be read"):
        read_split(tmp_path / "split.csv")


def test_a_table_that_lacks_images_is_refused() -> None:
    with pytest.raises(TableError, match="no row for 1 of 2 images: b; add them"):
        make_split([image("a"), image("b")], table={"a": {"split": "train"}})


def test_groups_by_column_and_by_pattern() -> None:
    table = {"a": {"split": "train", "field_group": "f"}, "b": {"split": "train", "field_group": "f"}}
    pairs, sentence = group_images([image("a"), image("b")], None, table)
    assert {pair.group for pair in pairs} == {"f"}
    assert sentence == "groups by the column field_group"
    with pytest.raises(TableError, match="has no column 'well'"):
        group_images([image("a")], "well", table)
    with pytest.raises(InputError, match="does not fit 1 of 1 names, such as a"):
        group_images([image("a")], "{group}_*")
    with pytest.raises(InputError, match="neither a pattern"):
        group_images([image("a")], "well")


def sheet(folder: Path, text: str) -> dict[str, dict[str, str]]:
    path = folder / "samples.csv"
    path.write_text(text)
    return read_sheet(path)


def test_a_sample_sheet_needs_no_split_and_names_files_with_their_ending(tmp_path: Path) -> None:
    rows = "\n".join(f"g{n // 2}_{n}.tif,mouse {n // 4}" for n in range(12))
    table = sheet(tmp_path, f"Filename,animal\n{rows}\n")
    pairs, sentence = group_images(images(12), "animal", table, is_sheet=True)
    assert {pair.group for pair in pairs} == {"mouse 0", "mouse 1", "mouse 2"}
    assert sentence == "groups by the column animal"
    split = make_split(pairs, seed=1, groups_are=sentence)
    assert [len(split.of(part)) for part in ("train", "val", "test")] == [4, 4, 4]
    assert split.how == "drawn by group with seed 1; groups by the column animal"


def test_replicates_of_a_sample_sheet_are_numbered_within_their_group(tmp_path: Path) -> None:
    rows = "\n".join(f"g{n // 2}_{n},{'ab'[n % 2]},{n // 4}" for n in range(12))
    table = sheet(tmp_path, f"image,group,replicate\n{rows}\n")
    pairs, sentence = group_images(images(12), None, table, is_sheet=True)
    assert {pair.group for pair in pairs} == {f"{g}/{r}" for g in "ab" for r in range(3)}
    assert sentence == "groups by the column replicate"


@pytest.mark.parametrize(
    ("text", "by", "message"),
    [
        ("picture,animal\na,1\n", "animal", "no column names the image; call it one of image, image_id"),
        ("image,animal\ng0_0,1\ng0_0.tif,2\n", "animal", "1 image stands in more than one row"),
        ("image,animal\ng0_0,1\n", "animal", "the sample sheet has no row for 5 of 6 images: g0_1, g1_2"),
        ("image,animal\ng0_0,1\n", "plate", "the sample sheet has no column 'plate'; it has image, animal"),
    ],
)
def test_a_sample_sheet_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, by: str, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        group_images(images(6), by, sheet(tmp_path, text), is_sheet=True)


def of_kind(number: int, kind: int, *, group: str = "") -> LabelledImage:
    names = ("a", "b", "c")
    return replace(image(f"i{number}", seed=number, group=group), kind=ImageClass(kind, names))


@given(st.lists(st.integers(0, 2), min_size=3, max_size=60), st.integers(0, 100))
def test_a_class_of_three_fields_is_in_every_part(kinds: list[int], seed: int) -> None:
    pairs = [of_kind(number, kind) for number, kind in enumerate(kinds)]
    if max(map(kinds.count, kinds)) < 3:
        with pytest.raises(InputError, match="no class is in three of them, one to learn from"):
            make_split(pairs, seed=seed)
        return
    split = make_split(pairs, seed=seed)
    assert sum(len(split.of(part)) for part in PARTS) == len(kinds)
    for kind in set(kinds):
        n = kinds.count(kind)
        parts = [part for part in PARTS if any(p.kind and p.kind.number == kind for p in split.of(part))]
        # What there is only once can be learned alone, and what there is twice is also judged.
        assert parts == {1: ["train"], 2: ["train", "test"]}.get(n, ["train", "val", "test"])


def test_groups_of_several_classes_stay_whole_and_the_rarest_class_is_spread() -> None:
    pairs = [of_kind(number, number % 2, group=f"plate{number // 4}") for number in range(40)]
    pairs += [of_kind(100 + number, 2, group=f"plate{number}") for number in range(4)]
    split = make_split(pairs, seed=3)
    for part in PARTS:
        assert {p.kind.number for p in split.of(part) if p.kind is not None} == {0, 1, 2}
    groups = [{pair.group for pair in split.of(part)} for part in PARTS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 10
