"""Packages that make their own objects: by a step of the format, or by what StarDist's own export says.

The networks are single convolutions. Of a star-convex one the image itself is the probability, and all
distances are the same: every bright pixel stands for a disc. Of a flow network the image has three channels,
and goes through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from veriscope.core.image import Image
from veriscope.errors import AxesError, MethodError, PixelValueError, UnreadableFileError
from veriscope.methods.local_method import LocalMethod
from veriscope.registry import make_method
from veriscope.zoo.add import add_model

from .conftest import Package, convolution, described, sha256

RAYS, RADIUS = 8, 6.0
STORED = Path(__file__).parents[1] / "methods" / "networks" / "data" / "cellpose.npz"


def star_bytes(*, dimensions: int = 2, stride: int = 1) -> bytes:
    kernel = np.zeros((1 + RAYS, 1, *[1] * dimensions))
    kernel[0] = 1
    bias = np.full(1 + RAYS, RADIUS)
    bias[0] = 0
    return convolution(kernel, bias, stride=stride)


def dots(shape: tuple[int, ...], *places: tuple[int, ...]) -> np.ndarray:
    pixels = np.zeros(shape, np.float32)
    for place in places:
        pixels[place] = 0.9
    return pixels


def written(folder: Path, weights: bytes, content: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "weights.onnx").write_bytes(weights)
    content["weights"]["onnx"]["sha256"] = sha256(weights)
    (folder / "bioimageio.yaml").write_text(yaml.safe_dump(content))
    return folder


def star_package(
    folder: Path, *, axes: str = "yx", grid: tuple[int, ...] = (1, 1), beside: bool = False, **kwargs: Any
) -> Path:
    """A package with a step of the format, or (`beside`) with what StarDist's export writes."""
    content = described("0.5.3")
    length = {"min": 16, "step": 8}
    content["inputs"][0] |= {"data": {"type": "float32"}, "preprocessing": []}
    content["outputs"][0] |= {"data": {"type": "float32" if beside else "int32"}}
    del content["inputs"][0]["test_tensor"], content["outputs"][0]["test_tensor"]
    content["inputs"][0]["axes"][2:] = [{"type": "space", "id": a, "size": length} for a in axes]
    content["outputs"][0]["axes"][2:] = [
        {"type": "space", "id": a, "size": {"tensor_id": "image", "axis_id": a}, "halo": 8} for a in axes
    ]
    names = [f"channel{n}" for n in range(1 + RAYS)] if beside else ["objects"]
    content["outputs"][0]["axes"][1]["channel_names"] = names
    anisotropy = [2.0, 1.0, 1.0] if len(axes) == 3 else None
    if beside:
        own = {"n_dim": len(axes), "grid": list(grid), "n_rays": RAYS, "anisotropy": anisotropy}
        about = {"thresholds": {"prob": 0.5, "nms": 0.4}, "config": own | kwargs}
        content["config"] = {"stardist": about}
    else:
        step = {"prob_threshold": 0.5, "nms_threshold": 0.4, "n_rays": RAYS, "grid": list(grid), "b": 0}
        step |= {"anisotropy": anisotropy} if anisotropy else {}
        content["outputs"][0]["postprocessing"] = [{"id": "stardist_postprocessing", "kwargs": step | kwargs}]
    stride = 1 if beside else max(grid)
    return written(folder, star_bytes(dimensions=len(axes), stride=stride), content)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("grid", [(1, 1), (2, 2)])
def test_a_star_convex_package_gives_its_objects(
    tmp_path: Path, cache: Path, grid: tuple[int, int], beside: bool
) -> None:
    method = make_method(str(star_package(tmp_path / "p", grid=grid, beside=beside)))
    image = Image(dots((47, 61), (12, 12), (30, 40), (30, 42)), "yx")
    found = method.predict(image)
    assert found.labels.shape == image.shape
    assert found.n_objects == 2, "two places that share too much are one object"
    assert found.labels[12, 12] != found.labels[30, 40] > 0
    areas = np.bincount(found.labels.ravel())[1:]
    assert (abs(areas - np.pi * RADIUS**2) < 25).all()
    assert not isinstance(method, LocalMethod), "polygons of a part are not those of the whole"


def test_tiles_change_no_object(tmp_path: Path, cache: Path) -> None:
    folder = star_package(tmp_path / "p", grid=(2, 2))
    places = [(y, x) for y in range(8, 150, 18) for x in range(10, 190, 18)]
    image = Image(dots((160, 200), *places), "yx")
    whole = make_method(str(folder)).predict(image)
    tiled = make_method(str(folder), {"tile": 48}).predict(image)
    np.testing.assert_array_equal(whole.labels, tiled.labels)
    assert whole.n_objects == len(places)


def test_a_stack_gives_polyhedra(tmp_path: Path, cache: Path) -> None:
    for beside in (False, True):
        folder = star_package(tmp_path / f"p{beside}", axes="zyx", grid=(1, 1, 1), beside=beside)
        image = Image(dots((17, 30, 33), (8, 10, 10), (9, 20, 24)), "zyx")
        found = make_method(str(folder)).predict(image)
        assert found.n_objects == 2 and found.labels.shape == image.shape
        assert found.labels[8, 10, 10] != found.labels[9, 20, 24] > 0


def test_the_labels_are_compared_with_the_test_tensor(tmp_path: Path, cache: Path) -> None:
    folder = star_package(tmp_path / "p")
    pixels = dots((48, 64), (12, 12), (30, 40))
    labels = make_method(str(folder)).predict(Image(pixels, "yx")).labels
    content = yaml.safe_load((folder / "bioimageio.yaml").read_text())
    content["inputs"][0]["test_tensor"] = {"source": "in.npy"}
    content["outputs"][0]["test_tensor"] = {"source": "out.npy"}
    (folder / "bioimageio.yaml").write_text(yaml.safe_dump(content))
    np.save(folder / "in.npy", pixels[None, None])
    np.save(folder / "out.npy", labels[None, None])
    found = add_model(str(folder), name="stars")["states"]["output_reproduced"]
    (test,) = found["tests"]
    assert (found["status"], test["n_mismatches"], test["n_values"]) == ("yes", 0, 48 * 64)
    np.save(folder / "out.npy", np.zeros_like(labels)[None, None])
    with pytest.raises(MethodError, match="values differ by more than 0"):
        add_model(str(folder), name="other")


def test_the_probability_alone_is_a_map_like_any_other(tmp_path: Path, cache: Path) -> None:
    folder = star_package(tmp_path / "p", beside=True)
    image = Image(np.pad(np.full((9, 9), 0.9, np.float32), 20), "yx")
    found = make_method(str(folder), {"foreground": 0, "split": False}).predict(image)
    assert found.n_objects == 1 and found.labels.sum() == 81
    assert found.probability_map is not None


def test_a_constant_image_has_no_objects(tmp_path: Path, cache: Path) -> None:
    method = make_method(str(star_package(tmp_path / "p")))
    assert method.predict(Image(np.full((40, 40), 0.9, np.float32), "yx")).n_objects == 0
    with pytest.raises(AxesError):
        method.predict(Image(np.zeros((4, 40, 40), np.float32), "zyx"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_rays": 5}, MethodError, r"gives 9 channels, and a probability and 5 distances are needed"),
        ({"nms_threshold": "much"}, UnreadableFileError, "stardist_postprocessing: wrong options"),
        ({"overlap_label": 3}, UnreadableFileError, "overlap_label 3 is not done here"),
        ({"rays": 3}, UnreadableFileError, "Options are: .*nms_threshold"),
    ],
)
def test_cards_that_contradict_themselves_are_told(
    tmp_path: Path, cache: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        folder = star_package(tmp_path / "p", **change)
        make_method(str(folder)).predict(Image(dots((40, 40), (20, 20)), "yx"))


def flow_package(folder: Path, **kwargs: Any) -> Path:
    content = described("0.5.3")
    content["inputs"][0] |= {"data": {"type": "float32"}, "preprocessing": []}
    content["inputs"][0]["axes"][1]["channel_names"] = ["dy", "dx", "logit"]
    content["outputs"][0]["axes"][1]["channel_names"] = ["objects"]
    step = {"cellprob_threshold": 0.0, "flow_threshold": 0.4, "do_3D": False, "min_size": 15}
    content["outputs"][0] |= {
        "data": {"type": "uint16"},
        "postprocessing": [{"id": "cellpose_flow_dynamics", "kwargs": step | kwargs}],
    }
    return written(folder, convolution(np.eye(3)[:, :, None, None]), content)


def flow_image() -> tuple[Image, np.ndarray]:
    with np.load(STORED) as file:
        values = np.concatenate([file["flow"], file["probability"][None]]).astype(np.float32)
        return Image(values, "cyx", channels=("dy", "dx", "logit")), file["labels"]


def test_a_package_with_the_flow_of_cellpose_gives_its_objects(tmp_path: Path, cache: Path) -> None:
    image, labels = flow_image()
    found = make_method(str(flow_package(tmp_path / "p", flow_threshold=0, min_size=0))).predict(image)
    np.testing.assert_array_equal(found.labels, labels)
    strict = make_method(str(flow_package(tmp_path / "q", flow_threshold=0.1))).predict(image)
    assert 0 < strict.n_objects < labels.max()


def test_flow_of_stacks_is_refused_on_reading(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(UnreadableFileError, match="do_3D, flows of whole stacks, is not done here"):
        make_method(str(flow_package(tmp_path / "p", do_3D=True)))


def test_an_unknown_step_is_named_with_what_to_do(package: Package, cache: Path) -> None:
    def unknown(content: dict[str, Any]) -> None:
        content["outputs"][0]["postprocessing"] = [{"id": "magic", "kwargs": {}}]

    with pytest.raises(
        MethodError, match=r"needs the processing step 'magic', which Veriscope does not have"
    ):
        add_model(str(package(change=unknown)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("channel", [0, 4])
def test_outputs_that_are_no_numbers_are_told_instead_of_no_objects(
    tmp_path: Path, channel: int, wrong: float
) -> None:
    """NaN is above no threshold, so that a broken network seemed to find nothing."""
    folder = star_package(tmp_path / "p")
    bias = np.full(1 + RAYS, RADIUS)
    bias[0], bias[channel] = 0, wrong
    kernel = np.zeros((1 + RAYS, 1, 1, 1))
    kernel[0] = 1
    written(folder, convolution(kernel, bias), yaml.safe_load((folder / "bioimageio.yaml").read_text()))
    with pytest.raises(PixelValueError, match="stardist_postprocessing: the network gives NaN or infinite"):
        make_method(str(folder)).predict(Image(dots((40, 48), (20, 20)), "yx"))


def test_a_distance_beyond_any_image_covers_all_of_it(tmp_path: Path) -> None:
    folder = star_package(tmp_path / "p")
    bias = np.full(1 + RAYS, 1e30)
    bias[0] = 0
    kernel = np.zeros((1 + RAYS, 1, 1, 1))
    kernel[0] = 1
    written(folder, convolution(kernel, bias), yaml.safe_load((folder / "bioimageio.yaml").read_text()))
    assert (make_method(str(folder)).predict(Image(dots((40, 48), (20, 20)), "yx")).labels == 1).all()
