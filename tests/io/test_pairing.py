"""Files of two sets belong together by their names, in any order and from any system."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.pairing import pair_by_stem

stems = st.lists(st.text("abc1é ", min_size=1, max_size=3), unique=True, max_size=6)


def files(*stems: str, folder: str = "r") -> list[ImageFile]:
    return [ImageFile(stem, Path(folder) / f"{stem}.tif") for stem in stems]


@given(stems, stems)
def test_every_file_is_in_one_pair_or_left_over(one: list[str], other: list[str]) -> None:
    both = [stem for stem in one if stem in other]
    if not both and (one or other):
        with pytest.raises(InputError, match=f"^0 of {len(one)} references and {len(other)} predictions fit"):
            pair_by_stem(files(*one), files(*other), partial=True)
        return
    found = pair_by_stem(files(*one), files(*other, folder="p"), partial=True)
    assert [pair.stem for pair in found.pairs] == both, "in the order of the references"
    assert all(pair.reference == Path("r") / f"{pair.stem}.tif" for pair in found.pairs)
    assert all(pair.prediction == Path("p") / f"{pair.stem}.tif" for pair in found.pairs)
    assert {*both, *found.only_reference} == {*one} and {*both, *found.only_prediction} == {*other}
    if len(both) == len(one) == len(other):
        assert pair_by_stem(files(*one), files(*other, folder="p")) == found


def test_what_is_missing_is_named_on_both_sides() -> None:
    with pytest.raises(InputError) as caught:
        pair_by_stem(files("a", "b"), files("b", "c", "d"))
    assert str(caught.value) == (
        "1 of 2 references and 3 predictions fit by name\n"
        "  - references without prediction: a\n"
        "  - predictions without reference: c, d\n"
        "Files belong together if their names without the ending are equal: rename or add the missing"
    )


def test_both_sides_are_called_what_they_are_to_the_user() -> None:
    with pytest.raises(InputError) as caught:
        pair_by_stem(files("a", "b"), files("b"), called=("image", "label image"))
    assert str(caught.value).splitlines()[:2] == [
        "1 of 2 images and 1 label images fit by name",
        "  - images without label image: a",
    ]


def test_a_long_list_is_cut_and_counted() -> None:
    many = [f"field{number}" for number in range(25)]
    with pytest.raises(InputError, match=r"references without prediction: field0, .*, field9 and 15 more\n"):
        pair_by_stem(files(*many), files("x"))


def test_an_umlaut_of_macos_pairs_with_one_of_others(tmp_path: Path) -> None:
    one, two = "gr\u00f6\u00dfer 1", "gro\u0308\u00dfer 1"
    for folder, name in (("r", one), ("p", two)):
        (tmp_path / folder).mkdir()
        for stem in (name, "b"):
            (tmp_path / folder / f"{stem}.tif").write_bytes(b"x")
    pairs = pair_by_stem(find_images(tmp_path / "r"), find_images(tmp_path / "p")).pairs
    assert {(pair.stem, pair.prediction.name) for pair in pairs} == {(one, f"{two}.tif"), ("b", "b.tif")}
    (tmp_path / "p" / f"{one}.tif").write_bytes(b"x")
    with pytest.raises(InputError, match="1 names stand for more than one image"):
        find_images(tmp_path / "p")
