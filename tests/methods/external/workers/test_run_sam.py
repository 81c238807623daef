"""The script for Segment Anything: the network that weights are for, masks laid over each other, prompts."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from .conftest import Load, Network, Weights, order

OPTIONS = {
    "points_per_side": 8,
    "quality": 0.88,
    "stability": 0.95,
    "overlap": 0.7,
    "smallest_area": 4,
    "largest_share": 0.5,
}


def weights(width: int, heads: int, reaches: list[int]) -> dict[str, Weights]:
    """The part of the weights from which the size of the network follows."""
    found = {"image_encoder.patch_embed.proj.weight": Weights(width, 3, 16, 16)}
    for layer, reach in enumerate(reaches):
        found[f"image_encoder.blocks.{layer}.attn.rel_pos_h"] = Weights(reach, width // heads)
    return found


class Sam(ModuleType):
    """What `segment_anything` has: masks and answers are set by the test."""

    def __init__(self) -> None:
        super().__init__("segment_anything")
        self.masks: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}
        self.prompts: list[dict[str, Any]] = []
        self.built: tuple[Any, ...] = ()
        outer = self

        class SamAutomaticMaskGenerator:
            def __init__(self, model: Any, **options: Any) -> None:
                outer.asked = options

            def generate(self, image: np.ndarray) -> list[dict[str, Any]]:
                outer.seen = image
                return list(outer.masks)

        class SamPredictor:
            def __init__(self, model: Any) -> None:
                pass

            def set_image(self, image: np.ndarray) -> None:
                self.shape = image.shape[:2]

            def predict(self, **prompt: np.ndarray) -> tuple[np.ndarray, ...]:
                """Three masks, of which the second is the best: all pixels of the box, or the point alone."""
                outer.prompts.append(prompt)
                masks = np.zeros((3, *self.shape), bool)
                if "box" in prompt:
                    x0, y0, x1, y1 = prompt["box"].astype(int)
                    masks[1, y0:y1, x0:x1] = True
                else:
                    ((x, y),) = prompt["point_coords"].astype(int)
                    masks[1, y, x] = True
                return masks, np.array([0.2, 0.9, 0.4], np.float32), masks[:, ::4, ::4]

        self.SamAutomaticMaskGenerator, self.SamPredictor = SamAutomaticMaskGenerator, SamPredictor

    def build(self, width: int, layers: int, heads: int, whole: list[int]) -> Any:
        self.built = (width, layers, heads, whole)
        made = Network({})
        made.load_state_dict = lambda given: None  # type: ignore[attr-defined]
        made.to = lambda device: made  # type: ignore[attr-defined]
        made.eval = lambda: made  # type: ignore[attr-defined]
        return made


@pytest.fixture
def sam() -> Sam:
    return Sam()


@pytest.fixture
def script(load: Load, torch: ModuleType, sam: Sam) -> ModuleType:
    build: Any = ModuleType("segment_anything.build_sam")
    build._build_sam = sam.build
    return load("run_sam", torch=torch, segment_anything=sam, segment_anything__build_sam=build)


@pytest.fixture
def state(script: ModuleType, stored: dict[str, Any]) -> Any:
    stored["/weights"] = weights(32, 2, [27, 127])
    return script.load(order())


def mask(shape: tuple[int, int], rows: slice, columns: slice, quality: float) -> dict[str, Any]:
    inside = np.zeros(shape, bool)
    inside[rows, columns] = True
    return {"segmentation": inside, "area": int(inside.sum()), "predicted_iou": quality}


@pytest.mark.parametrize(
    ("width", "heads", "reaches", "whole"),
    [
        (768, 12, [27, 27, 127] * 4, [2, 5, 8, 11]),
        (1280, 16, [27] * 7 + [127], [7]),
        (32, 2, [127, 127], [0, 1]),
    ],
)
def test_the_network_follows_from_the_shapes_of_its_weights(
    script: ModuleType,
    sam: Sam,
    stored: dict[str, Any],
    width: int,
    heads: int,
    reaches: list[int],
    whole: list[int],
) -> None:
    given = weights(width, heads, reaches)
    stored["/weights"] = given
    found = script.load(order())
    assert sam.built == (width, len(reaches), heads, whole)
    assert found.about == {"weights": sum(item.numel() for item in given.values())}
    stored["/weights"] = {"model_state": given, "optimizer_state": {}}
    assert script.load(order()).about == found.about, "as micro-sam saves them"


@pytest.mark.parametrize("content", [{}, [], None, {"model_state": {}}, weights(32, 2, [])])
def test_other_weights_are_told(script: ModuleType, stored: dict[str, Any], content: Any) -> None:
    stored["/weights"] = content
    with pytest.raises(ValueError, match="these are no weights of Segment Anything"):
        script.load(order())


def test_small_masks_lie_over_large_ones_each_with_its_quality(
    script: ModuleType, sam: Sam, state: Any
) -> None:
    shape = (20, 30)
    sam.masks = [
        mask(shape, slice(4, 8), slice(4, 8), 0.8),
        mask(shape, slice(2, 12), slice(2, 12), 1.02),
        mask(shape, slice(0, 20), slice(0, 30), 0.99),  # the background
        mask(shape, slice(15, 16), slice(20, 23), 0.95),  # a crumb
    ]
    values, found = script.predict(state, {"image": np.zeros(shape, np.uint8)}, OPTIONS)
    assert values == {"masks": 4, "kept": 2}
    expected = np.zeros(shape, np.int32)
    expected[2:12, 2:12], expected[4:8, 4:8] = 1, 2
    np.testing.assert_array_equal(found["labels"], expected)
    assert found["labels"].dtype == np.int32
    assert found["probabilities"] == pytest.approx([1.02, 0.8])
    assert sam.asked["pred_iou_thresh"] == 0.88 and sam.asked["box_nms_thresh"] == 0.7


def test_no_masks_are_no_objects(script: ModuleType, state: Any) -> None:
    values, found = script.predict(state, {"image": np.zeros((9, 11), np.uint8)}, OPTIONS)
    assert values == {"masks": 0, "kept": 0} and not found["labels"].any()
    assert found["labels"].shape == (9, 11) and found["probabilities"].shape == (0,)


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_any_image_becomes_a_picture_of_eight_bits(
    script: ModuleType, sam: Sam, state: Any, kind: str
) -> None:
    image = np.linspace(0, 200, 40 * 50).reshape(40, 50).astype(kind)
    script.predict(state, {"image": image}, OPTIONS)
    assert sam.seen.dtype == np.uint8 and sam.seen.shape == (40, 50, 3)
    assert (sam.seen.min(), sam.seen.max()) == (0, 255)
    assert (sam.seen == sam.seen[..., :1]).all()
    script.predict(state, {"image": np.full((8, 8), 7, kind)}, OPTIONS)
    assert not sam.seen.any(), "a constant image has nothing to show"


def test_boxes_and_points_are_turned_to_x_and_y_and_the_best_mask_is_taken(
    script: ModuleType, sam: Sam, state: Any
) -> None:
    arrays = {
        "image": np.zeros((20, 30), np.uint8),
        "boxes": np.array([[2.0, 5.0, 6.0, 25.0]]),
        "points": np.array([[3.0, 28.0], [19.0, 0.0]]),
    }
    _, found = script.prompt(state, arrays, {})
    assert found["masks"].shape == (3, 20, 30) and found["masks"].dtype == bool
    np.testing.assert_array_equal(np.argwhere(found["masks"][0]).min(0), [2, 5])
    np.testing.assert_array_equal(np.argwhere(found["masks"][0]).max(0), [5, 24])
    assert [np.argwhere(one).tolist() for one in found["masks"][1:]] == [[[3, 28]], [[19, 0]]]
    assert found["quality"] == pytest.approx([0.9] * 3)
    assert [list(prompt) for prompt in sam.prompts][1:] == [["point_coords", "point_labels"]] * 2
    assert sam.prompts[1]["point_labels"].tolist() == [1], "the point is in the object"


def test_no_prompts_give_no_masks(script: ModuleType, state: Any) -> None:
    _, found = script.prompt(state, {"image": np.zeros((5, 6), np.uint8)}, {})
    assert found["masks"].shape == (0, 5, 6) and found["quality"].shape == (0,)


def test_weights_are_fetched_with_the_hash_that_their_name_ends_in(
    script: ModuleType, load: Load, tmp_path: Path
) -> None:
    asked: list[tuple[str, str, str]] = []

    def fetch(address: str, target: str, *, hash_prefix: str, progress: bool) -> None:
        asked.append((address.rsplit("/", 1)[1], target, hash_prefix))

    load("run_sam", torch__hub=SimpleNamespace(download_url_to_file=fetch))  # type: ignore[arg-type]
    done = script.download(script.load(order(do="download")), {}, {"name": "vit_b", "output": str(tmp_path)})
    assert done == ({"files": ["vit_b"]}, {})
    assert asked == [("sam_vit_b_01ec64.pth", str(tmp_path / "vit_b"), "01ec64")]
    with pytest.raises(ValueError, match=r"offers no vit_z; it offers vit_b, vit_l, vit_h"):
        script.download(script.load(order(do="download")), {}, {"name": "vit_z", "output": str(tmp_path)})
