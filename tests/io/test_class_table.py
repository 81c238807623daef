"""Tables of classes: what is written is what is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veriscope.core.classes import ClassProbabilities, ImageClass
from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.io.class_table import join_class_tables, write_classes
from veriscope.io.image_tables import read_class_table

NAMES = ("M phase", 'with "quotes", comma', "ä/β", "7")


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_table_is_read_as_it_was_written(tmp_path: Path, weights: list[list[float]]) -> None:
    stated = [np.array(row) / sum(row) for row in weights]
    files = []
    for number, values in enumerate(stated):
        files.append(tmp_path / f"{number}.csv")
        write_classes(files[-1], f"field.{number}", ClassProbabilities(NAMES, values))
    join_class_tables(tmp_path / "classes.csv", files, NAMES)
    table = read_class_table(tmp_path)
    assert table.stems == tuple(f"field.{number}" for number in range(len(stated)))
    assert table.classes == tuple(NAMES[int(values.argmax())] for values in stated)
    assert tuple(table.probabilities) == NAMES
    found = np.stack([table.probabilities[name] for name in NAMES], axis=1)
    assert np.allclose(found, stated, atol=1e-6)


def test_no_image_gives_the_header_alone(tmp_path: Path) -> None:
    join_class_tables(tmp_path / "classes.csv", [], ("a", "b"))
    assert (tmp_path / "classes.csv").read_text() == "image,class,p_a,p_b\n"


@pytest.mark.parametrize("values", [[0.5, 0.4], [1.2, -0.2], [np.nan, 1.0], [2.0, 2.0]])
def test_what_is_no_probability_is_refused(values: list[float]) -> None:
    with pytest.raises(PixelValueError, match="each has to be from 0 to 1, and together 1"):
        ClassProbabilities(("a", "b"), np.array(values))


def test_classes_and_numbers_have_to_fit() -> None:
    with pytest.raises(ShapeMismatchError, match=r"shape \(2,\) do not fit 3 classes"):
        ClassProbabilities(("a", "b", "c"), np.array([0.5, 0.5]))
    with pytest.raises(InputError, match="class 2 is not one of 2 names"):
        ImageClass(2, ("a", "b"))
    assert ClassProbabilities(("a", "b"), np.array([0.5, 0.5])).name == "a"
    assert ImageClass(1, ("a", "b")).name == "b"
