"""Tables and folders that speak of other images: every fault is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from veriscope.errors import TableError
from veriscope.training.images.table_stems import check_stems

SOURCE = Path("boxes.csv")


def check(images: set[str], rows: set[str], *, partial: bool = False) -> None:
    check_stems(
        SOURCE, images, rows, give="their boxes", remedy="what is not in the table is empty", partial=partial
    )


def test_equal_names_are_right() -> None:
    check({"a", "b"}, {"b", "a"})


def test_both_faults_come_together_with_the_remedy() -> None:
    with pytest.raises(TableError) as error:
        check({"a", "b", "c"}, {"a", "x"})
    text = str(error.value)
    assert "2 images have no row in it: give their boxes, or take the images away (b, c)" in text
    assert "1 images of its rows are not there: add them, or remove the rows (x)" in text
    assert "what is not in the table is empty" in text
    assert "no image has a row" not in text


def test_many_names_are_cut_after_ten() -> None:
    with pytest.raises(TableError) as error:
        check({f"f{number:02d}" for number in range(15)} | {"a"}, {"a"})
    assert "15 images have no row in it" in str(error.value)
    assert "f09 …)" in str(error.value) and "f10" not in str(error.value)
    with pytest.raises(TableError, match=r"f09\)"):
        check({f"f{number:02d}" for number in range(10)} | {"a"}, {"a"})


def test_a_part_of_the_images_is_enough_where_that_is_allowed() -> None:
    check({"a", "b"}, {"a", "x"}, partial=True)
    with pytest.raises(TableError, match="the column image has the names of the files") as error:
        check({"a"}, {"x"}, partial=True)
    assert "have no row in it" not in str(error.value)


@pytest.mark.parametrize(("images", "rows"), [(set(), {"a"}), ({"a"}, set()), (set(), set())])
def test_nothing_in_common_is_refused(images: set[str], rows: set[str]) -> None:
    for partial in (False, True):
        with pytest.raises(TableError, match="no image has a row in it"):
            check(images, rows, partial=partial)
