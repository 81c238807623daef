"""Names of files: in the order of their numbers, without their endings, and paired by what is left."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError, VeriscopeError
from veriscope.io.folders import ImageFile, as_unicode, image_stem, is_unicode, natural_order
from veriscope.io.pairing import pair_by_stem

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=12)
ENDINGS = [".tif", ".TIFF", ".ome.tif", ".ome.tiff", ".png", ".jpg", ".ome.zarr", ".zarr", ".btf", ".svs"]


@given(st.lists(st.integers(0, 10**6), unique=True), TEXT.filter(lambda text: not text[-1].isdecimal()))
def test_numbers_are_ordered_as_numbers(numbers: list[int], stem: str) -> None:
    names = [f"{stem}{number}" for number in numbers]
    assert sorted(names, key=natural_order) == [f"{stem}{number}" for number in sorted(numbers)]


@given(st.lists(TEXT))
def test_any_names_have_one_order(names: list[str]) -> None:
    ordered = sorted(names, key=natural_order)
    keys = [natural_order(name) for name in ordered]
    assert keys == sorted(natural_order(name) for name in names)
    assert sorted(ordered) == sorted(names)


@pytest.mark.parametrize("ending", ENDINGS)
@given(TEXT.filter(lambda text: "." not in text and text.strip(". ") == text))
def test_the_ending_is_no_part_of_the_name(ending: str, stem: str) -> None:
    assert image_stem(f"deep/{stem}{ending}") == unicodedata.normalize("NFC", stem)


@given(TEXT)
def test_names_of_macos_are_those_of_others(stem: str) -> None:
    assert image_stem(unicodedata.normalize("NFD", stem) + ".tif") == image_stem(
        unicodedata.normalize("NFC", stem) + ".tif"
    )


@given(st.binary(min_size=1, max_size=20))
def test_bytes_that_are_no_characters_can_be_shown(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    shown = as_unicode(text)
    shown.encode()  # can be sent and printed
    assert is_unicode(shown)
    if is_unicode(text):
        assert shown == text


def files(*stems: str, ending: str) -> list[ImageFile]:
    return [ImageFile(stem, Path(f"{stem}{ending}")) for stem in stems]


@given(st.lists(TEXT, unique=True, max_size=8), st.lists(TEXT, unique=True, max_size=8))
def test_pairs_are_what_both_sides_have(ours: list[str], theirs: list[str]) -> None:
    one, two = files(*ours, ending=".tif"), files(*theirs, ending=".png")
    both = [stem for stem in ours if stem in set(theirs)]
    if (ours or theirs) and not both:
        with pytest.raises(VeriscopeError):
            pair_by_stem(one, two, partial=True)
        return
    found = pair_by_stem(one, two, partial=True)
    assert [pair.stem for pair in found.pairs] == both
    assert all(str(pair.reference) == f"{pair.stem}.tif" for pair in found.pairs)
    assert all(str(pair.prediction) == f"{pair.stem}.png" for pair in found.pairs)
    assert found.only_reference == tuple(stem for stem in ours if stem not in both)
    assert found.only_prediction == tuple(stem for stem in theirs if stem not in both)
    if found.only_reference:
        with pytest.raises(InputError):
            pair_by_stem(one, two)
