"""A tool's model keeps the contract of methods, and what is missing is told before the first image."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.methods.external import external_method
from veriscope.methods.external.environment import Recipe
from veriscope.methods.external.external_method import ExternalMethod, content_hash
from veriscope.methods.external.process import memory_of
from veriscope.registry import get_method, make_method
from veriscope.testing.methods import check_method, discs_image


@pytest.fixture
def method(fake_installed: Path) -> ExternalMethod:
    found = make_method("fake:offered")
    assert isinstance(found, ExternalMethod)
    return found


def test_it_keeps_the_contract(method: ExternalMethod) -> None:
    check_method(method)
    method.close()


def test_the_record_says_what_ran(method: ExternalMethod) -> None:
    about = method.describe()
    assert (about["name"], about["version"], about["tool"]["version"]) == ("fake:offered", "1.2", "1.2")
    assert about["tool"]["files"] == {"offered.weights": content_hash(method.files[0])}
    assert about["tool"]["packages"]["veriscope-fake-tool"] == "1.2"
    json.dumps(about)


def test_one_process_serves_all_images_until_it_is_closed(method: ExternalMethod) -> None:
    details = [method.predict(discs_image(seed=seed)).details for seed in (0, 1)]
    assert [item["calls"] for item in details] == [1, 2] and details[0]["pid"] == details[1]["pid"]
    method.limit_threads(1)
    assert method.predict(discs_image()).details["calls"] == 1
    method.close()


def test_a_copy_in_another_process_is_the_same_method(method: ExternalMethod) -> None:
    method.limit_threads(2)
    copy = pickle.loads(pickle.dumps(method))
    assert (copy.describe(), copy.threads) == (method.describe(), 2)
    assert np.array_equal(copy.predict(discs_image()).labels, method.predict(discs_image()).labels)
    for item in (copy, method):
        item.close()


def test_probabilities_stay_with_their_objects(fake_installed: Path) -> None:
    method = make_method("fake:offered", {"mode": "gaps"})
    found = method.predict(discs_image())
    assert found.n_objects == 2 and found.labels[3, 3] == 1 and found.labels[12, 12] == 2
    assert found.probabilities is not None
    assert found.probabilities == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("shape", r"gave labels of shape \(3, 3\) for \(96, 112\)"),
        ("doubled", r"gave labels of shape \(192, 224\) for \(96, 112\)"),
        ("negative", "gave negative labels"),
        ("fractions", "gave no label image"),
        ("flat", "gave no label image"),
        ("no labels", "gave no label image"),
        ("raise", "the tool failed: RuntimeError"),
    ],
)
def test_bad_answers_are_errors_of_the_tool(fake_installed: Path, mode: str, message: str) -> None:
    method = make_method("fake:offered", {"mode": mode})
    with pytest.raises(MethodError, match=message):
        method.predict(discs_image())


def test_an_object_beside_a_small_image_takes_no_probability_from_the_others(fake_installed: Path) -> None:
    small = Image(np.arange(400, dtype=np.uint8).reshape(20, 20), "yx")
    found = make_method("fake:offered", {"mode": "margin"}).predict(small)
    assert found.labels.shape == (20, 20) and found.n_objects == 1
    assert found.probabilities is not None and found.probabilities.tolist() == [0.25]


def test_probabilities_that_are_too_few_are_left_out_and_that_is_said(fake_installed: Path) -> None:
    found = make_method("fake:offered", {"mode": "few"}).predict(discs_image())
    assert found.n_objects == 2 and found.probabilities is None
    assert "left out" in found.details["probabilities"]


def test_a_small_image_comes_back_in_its_size(method: ExternalMethod) -> None:
    pixels = np.zeros((5, 7), np.uint8)
    pixels[1:3, 2:5] = 9
    labels = method.predict(Image(pixels, "yx")).labels
    assert np.array_equal(labels, (pixels > 0).astype(np.int32))
    method.close()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fake:", r"says no model; give fake:NAME or fake:\./PATH"),
        ("fake:other", r"weights named 'other' are not here.*models install fake --download other"),
        ("fake:./no/such", r"weights named './no/such' are not here"),
    ],
)
def test_what_is_missing_is_said(fake_installed: Path, name: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        make_method(name)


def test_an_unknown_tool_is_told_which_there_are() -> None:
    with pytest.raises(MethodError, match=r"before a colon stands zoo or a tool: cellpose, cellpose-sam, "):
        get_method("celpose:cyto3")


def test_options_are_checked(fake_installed: Path) -> None:
    with pytest.raises(InputError, match="Options are: timeout, start_timeout, memory_gb, mode"):
        make_method("fake:offered", {"diamter": 3})


def test_without_environment_the_command_that_makes_it_is_told(
    fake_known: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path))
    assert get_method("fake:offered").version == "not installed"
    with pytest.raises(MethodError, match="make it with: veriscope models install fake"):
        make_method("fake:offered")
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "environment.json").write_text("{}")
    with pytest.raises(MethodError, match="which is not there or was not finished"):
        make_method("fake:offered")


def test_a_folder_is_hashed_by_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = content_hash(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = content_hash(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, content_hash(tmp_path)}) == 3


@pytest.mark.parametrize("kind", ["?", "u1", "i2", "f8", ">u2"])
def test_any_type_of_pixels_is_taken(method: ExternalMethod, kind: str) -> None:
    """A binary image ended in an error of NumPy, which subtracts no booleans."""
    bright = discs_image().pixels > 70
    expected = method.predict(Image(bright.astype(np.float32), "yx"))
    found = method.predict(Image(bright.astype(kind), "yx"))
    assert expected.n_objects > 1
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert method.predict(Image(np.zeros((20, 30), kind), "yx")).details == {"constant": True}
    method.close()


linux = pytest.mark.skipif(not memory_of(os.getpid()), reason="memory is watched where the system tells it")


@linux
def test_a_tool_that_uses_more_than_is_promised_is_stopped_also_in_another_process(
    method: ExternalMethod,
) -> None:
    method.predict(discs_image())
    used = method.tool.memory()
    method.limit_memory(used + (1 << 30))
    assert method.tool.limits.memory_bytes == method.memory_bytes == used + (1 << 30)
    copy = pickle.loads(pickle.dumps(method))
    assert copy.memory_bytes == method.memory_bytes
    assert copy.tool.limits.memory_bytes == method.memory_bytes
    assert method.predict(discs_image()).n_objects > 0
    with pytest.raises(
        MethodError, match=r"uses \d+ MB before it sees an image, and 1 MB of the memory promised"
    ):
        method.limit_memory(1 << 20)
    method.close()


def test_the_least_of_all_limits_counts(fake_installed: Path) -> None:
    method = make_method("fake:offered", {"memory_gb": 2})
    assert isinstance(method, ExternalMethod)
    assert method.memory_bytes == 2 << 30
    method.most_bytes = 1 << 30
    assert method.memory_bytes == 1 << 30
    method.most_bytes = 3 << 30
    assert method.memory_bytes == 2 << 30


def test_where_memory_is_not_told_none_is_promised(
    method: ExternalMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_method, "memory_of", lambda process: 0)
    with pytest.raises(MethodError, match=r"this system does not tell how much memory .* leave out --memory"):
        method.limit_memory(1 << 30)
