"""What ilastik and Fiji leave on the disk, whole and damaged; no program runs here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.image import Image
from veriscope.errors import MethodError, PixelValueError
from veriscope.methods.external.external_method import for_tool
from veriscope.methods.external.fiji import FijiMethod
from veriscope.methods.external.ilastik import IlastikMethod
from veriscope.registry import make_method
from veriscope.zoo.environments import install_tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
SQUARES = np.zeros((20, 30), np.uint8)
SQUARES[2:8, 2:8], SQUARES[10:18, 12:24] = 1, 2
IMAGE = Image((60 * SQUARES).astype(np.uint8), "yx", name="squares")


@pytest.fixture(scope="module", autouse=True)
def known(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Both programs are known; the script does nothing but end, and write what Fiji is tried with."""
    folder = tmp_path_factory.mktemp("programs")
    script = folder / "program"
    script.write_text("#!/bin/sh\ntouch attempt.txt\n")
    script.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERISCOPE_EXTERNAL", str(folder / "external"))
        for tool in ("ilastik", "fiji"):
            install_tool(tool, program=str(script))
        yield


def ilastik(folder: Path, **options: Any) -> IlastikMethod:
    (folder / "p.ilp").write_text("a project")
    found = make_method(f"ilastik:{folder / 'p.ilp'}", options)
    assert isinstance(found, IlastikMethod)
    return found


def fiji(folder: Path, **options: Any) -> FijiMethod:
    (folder / "m.ijm").write_text("a macro")
    found = make_method(f"fiji:{folder / 'm.ijm'}", options)
    assert isinstance(found, FijiMethod)
    return found


def labels_of_ilastik(folder: Path, values: np.ndarray, image: Image = IMAGE, **options: Any) -> np.ndarray:
    np.save(folder / "result.npy", values)
    labels: np.ndarray = ilastik(folder, **options).result(folder, image)[1]["labels"]
    return labels


@pytest.mark.parametrize("kind", ["f4", "f8", "u1", "u2", "u4", ">u2"])
def test_probabilities_of_any_type_are_the_same(tmp_path: Path, kind: str) -> None:
    """A project may export them as integers from 0 to the largest of the type."""
    top = np.iinfo(kind).max if np.dtype(kind).kind == "u" else 1
    bright = np.where(SQUARES > 0, 0.75, 0.25)
    maps = (np.stack([bright, 1 - bright], axis=-1) * top).astype(kind)
    found = labels_of_ilastik(tmp_path, maps, split=False)
    np.testing.assert_array_equal(found, SQUARES)
    none = labels_of_ilastik(tmp_path, maps, split=False, threshold=0.8)
    assert not none.any()
    other = labels_of_ilastik(tmp_path, maps, split=False, foreground=2)
    np.testing.assert_array_equal(other > 0, SQUARES == 0)


def test_a_boundary_class_parts_what_touches(tmp_path: Path) -> None:
    inside, edge = np.zeros((20, 30)), np.zeros((20, 30))
    inside[4:16, 4:26] = 0.9
    edge[4:16, 14:16] = 0.8
    maps = np.stack([inside, edge, 1 - np.maximum(inside, edge)], axis=-1)
    whole = labels_of_ilastik(tmp_path, maps, split=False)
    parted = labels_of_ilastik(tmp_path, maps, boundary=2)
    assert (whole.max(), parted.max()) == (1, 2)
    np.testing.assert_array_equal(parted > 0, whole > 0)
    assert (parted[4:16, 4:14] == 1).all() and (parted[4:16, 16:26] == 2).all()


def test_classes_and_identities(tmp_path: Path) -> None:
    numbers = np.where(SQUARES > 0, 3, 1).astype(np.uint8)[..., None]
    found = labels_of_ilastik(tmp_path, numbers, export="Simple Segmentation", foreground=3, split=False)
    np.testing.assert_array_equal(found, SQUARES)
    same = labels_of_ilastik(tmp_path, SQUARES.astype(np.uint32)[..., None], export="Object Identities")
    np.testing.assert_array_equal(same, SQUARES)
    with pytest.raises(PixelValueError, match="squares: has fractional, infinite or NaN values"):
        labels_of_ilastik(tmp_path, (SQUARES / 2)[..., None], export="Object Identities")


def test_a_stack_comes_back_with_its_planes(tmp_path: Path) -> None:
    """ilastik is asked for the axes of the image; objects go through planes."""
    stack = np.zeros((5, 20, 30), np.float32)
    stack[1:4, 2:12, 2:12], stack[:, 14:19, 20:28] = 0.9, 0.9
    image = Image(stack, "zyx", {"z": 2.0, "y": 1.0, "x": 1.0})
    method = ilastik(tmp_path)
    assert "--input_axes=zyx" in method.command(tmp_path, image)
    found = labels_of_ilastik(tmp_path, stack[..., None], image, split=False)
    assert found.shape == stack.shape and found.max() == 2
    np.testing.assert_array_equal(found > 0, stack > 0)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b""), "saved a result that cannot be read .*is the disk of temporary"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "saved a result that cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:20]), "saved a result that cannot be read"),
        (lambda path: np.save(path, np.array([{}])), "saved a result that cannot be read"),
        (lambda path: np.save(path, np.float32(1)), r"gave an array of shape \(\) for \(20, 30\)"),
        (lambda path: np.save(path, np.ones((20, 30))), r"gave an array of shape \(20, 30\) for \(20, 30\)"),
        (lambda path: np.save(path, np.ones((30, 20, 2))), r"gave an array of shape \(30, 20, 2\)"),
        (lambda path: np.save(path, np.ones((20, 30, 0))), r"gave an array of shape \(20, 30, 0\)"),
    ],
)
def test_damaged_results_of_ilastik_are_told(tmp_path: Path, spoil: Any, message: str) -> None:
    np.save(tmp_path / "result.npy", np.ones((20, 30, 2), np.float32))
    spoil(tmp_path / "result.npy")
    with pytest.raises(MethodError, match=f"^squares: ilastik:.*: ilastik {message}"):
        ilastik(tmp_path).result(tmp_path, IMAGE)


def saved_by_fiji(folder: Path, values: np.ndarray, *, order: str = ">", slices: int = 1) -> None:
    """What the macro writes around the user's, in the order of bytes of ImageJ's settings."""
    (folder / "result.raw").write_bytes(values.astype(values.dtype.newbyteorder(order)).tobytes())
    (folder / "order.raw").write_bytes(np.array([1], order + "u2").tobytes())
    height, width = values.shape
    (folder / "size.txt").write_text(f"{8 * values.dtype.itemsize} {width} {height} {slices}\n")


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_labels_of_fiji_in_any_depth_and_order(tmp_path: Path, kind: str, order: str) -> None:
    labels = SQUARES.astype(kind) * (100 if kind == "u1" else 300)
    saved_by_fiji(tmp_path, labels, order=order)
    method = fiji(tmp_path)
    assert method.is_complete(tmp_path)
    np.testing.assert_array_equal(method.result(tmp_path, IMAGE)[1]["labels"], labels)


def test_a_mask_of_fiji_is_split_only_where_that_is_wanted(tmp_path: Path) -> None:
    away = [np.hypot(*(np.indices((40, 60)) - np.array(c)[:, None, None])) for c in ((20, 20), (20, 36))]
    saved_by_fiji(tmp_path, (np.minimum(*away) < 10).astype(np.uint8) * 255)
    image = Image(np.zeros((40, 60), np.uint8), "yx")
    counts = [
        fiji(tmp_path, result="mask", split=split, diameter=19).result(tmp_path, image)[1]["labels"].max()
        for split in (True, False)
    ]
    assert counts == [2, 1]


@pytest.mark.parametrize("kept", [0, 1, 599])
def test_pixels_that_fiji_did_not_save_are_told(tmp_path: Path, kept: int) -> None:
    saved_by_fiji(tmp_path, SQUARES)
    (tmp_path / "result.raw").write_bytes(SQUARES.tobytes()[:kept])
    with pytest.raises(MethodError, match=f"squares: fiji:.*: Fiji saved {kept} of 600 pixels"):
        fiji(tmp_path).result(tmp_path, IMAGE)


@pytest.mark.parametrize(
    "values", [np.full((20, 30), np.nan), np.full((20, 30), np.inf), -np.ones((20, 30)), SQUARES / 2]
)
def test_what_is_no_label_image_of_fiji_is_told(tmp_path: Path, values: np.ndarray) -> None:
    saved_by_fiji(tmp_path, values.astype(np.float32))
    with pytest.raises(MethodError, match=r"holds no labels .*-p result=mask"):
        fiji(tmp_path).result(tmp_path, IMAGE)


def test_a_stack_that_the_macro_left_is_told(tmp_path: Path) -> None:
    saved_by_fiji(tmp_path, SQUARES, slices=3)
    with pytest.raises(MethodError, match=r"left an image of 20 x 30 pixels and 3 slice\(s\) active"):
        fiji(tmp_path).result(tmp_path, IMAGE)


def test_a_result_is_complete_when_its_size_is_written(tmp_path: Path) -> None:
    method = fiji(tmp_path)
    for written, complete in (("", False), ("8 30", False), ("8 30 20 1", True)):
        (tmp_path / "size.txt").write_text(written)
        assert method.is_complete(tmp_path) is complete
    assert not method.is_complete(tmp_path / "elsewhere")


def test_text_of_the_user_means_itself_in_the_macro(tmp_path: Path) -> None:
    argument = 'a "quoted" \\ path\nand {braces}'
    command = fiji(tmp_path, argument=argument).command(tmp_path, IMAGE)
    written = Path(command[-1]).read_text(encoding="utf-8")
    assert '"a \\"quoted\\" \\\\ path\\nand {braces}"' in written
    assert "width=30 height=20" in written and "8-bit" in written


KINDS = ["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i4", "i8", "f2", "f4", ">f4", "f8"]


@settings(max_examples=80)
@given(
    data=st.data(), kind=st.sampled_from(KINDS), shape=hnp.array_shapes(min_dims=2, max_dims=3, max_side=40)
)
def test_what_a_tool_is_given_is_the_image_in_a_type_that_all_take(
    data: st.DataObject, kind: str, shape: tuple[int, ...]
) -> None:
    values = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 100), fill=st.just(7)))
    pixels = values.astype(kind)[..., ::-1]
    pixels.flags.writeable = False
    found = for_tool(pixels)
    assert found.dtype.isnative and found.dtype in (np.uint8, np.uint16, np.float32)
    assert found.flags.c_contiguous and min(found.shape[-2:]) >= 32
    inner = tuple(slice(0, size) for size in shape)
    np.testing.assert_array_equal(found[inner], pixels.astype(np.float32))
    assert found.shape[: len(shape) - 2] == shape[:-2]
    np.testing.assert_array_equal(found[..., -1, -1], pixels[..., -1, -1].astype(np.float32))
