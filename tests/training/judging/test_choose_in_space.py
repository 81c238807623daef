"""The threshold in space is chosen by what users would get on the validation stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.methods.networks.network_files import NetworkPackage, shipped
from veriscope.methods.networks.stack_network import SeenStack, StackNetwork
from veriscope.methods.networks.three_views import SpaceView
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.choose_in_space import choose_in_space


def package(**settings: Any) -> NetworkPackage:
    """The shipped network for planes, said to be one for stacks."""
    plain = shipped("nuclei-fluorescence")
    return replace(plain, settings=plain.settings.model_copy(update={"dimensions": 3} | settings))


def cube(stem: str = "cube", *, unknown: bool = False) -> LabelledImage:
    labels = np.zeros((12, 20, 20), np.int32)
    labels[3:9, 3:9, 3:9] = 1
    if unknown:
        labels[:, :, 12:] = -1
    image = Image(labels.astype(np.float32), "zyx", {"z": 1.0, "y": 1.0, "x": 1.0}, (), stem)
    return LabelledImage(stem, image, labels, stem, stem)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[float, NDArray[np.int32]]:
    """What is found by threshold; to be filled."""
    found: dict[float, NDArray[np.int32]] = {}
    nothing = SpaceView(np.zeros((12, 20, 20), np.float32), np.zeros((3, 12, 20, 20), np.float32))
    stack = SeenStack(nothing, np.arange(12), 6.0, 1.0)
    monkeypatch.setattr(StackNetwork, "see", lambda self, image: stack if image.pixels.any() else None)
    monkeypatch.setattr(StackNetwork, "objects", lambda self, seen, *, threshold: found[threshold])
    return found


def shifted(by: int) -> NDArray[np.int32]:
    return np.roll(np.maximum(cube().labels, 0), by, axis=1)


def test_the_best_threshold_is_taken(seen: dict[float, NDArray[np.int32]]) -> None:
    seen.update({0.3: shifted(2), 0.4: shifted(1), 0.5: shifted(1), 0.6: shifted(0), 0.7: shifted(6)})
    told: list[tuple[str, int, int]] = []
    choice = choose_in_space(package(threshold=0.5), [cube(), cube("b")], lambda *done: told.append(done))
    assert choice.settings == package(threshold=0.6).settings, "and nothing else is changed"
    # An IoU of 5/7 is a match at 0.5, 0.6 and 0.7 of the five.
    assert choice.record == {"n_images": 2, "n_objects": 2, "f1_before": 0.6, "f1_after": 1.0, "tried": 5}
    assert [done for _, done, _ in told] == [0, 1, 2]


def test_the_usual_one_stays_where_none_is_better(seen: dict[float, NDArray[np.int32]]) -> None:
    seen.update(dict.fromkeys((0.3, 0.4, 0.45, 0.5, 0.6, 0.7), shifted(0)))
    choice = choose_in_space(package(threshold=0.45), [cube()])
    assert choice.settings.threshold == 0.45
    assert choice.record["tried"] == 6 and choice.record["f1_before"] == choice.record["f1_after"] == 1


def test_what_lies_where_nothing_is_known_does_not_count(seen: dict[float, NDArray[np.int32]]) -> None:
    more = shifted(0)
    more[5:8, 5:8, 14:18] = 2
    seen.update(dict.fromkeys((0.3, 0.4, 0.5, 0.6), shifted(1)) | {0.7: more})
    choice = choose_in_space(package(threshold=0.5), [cube(unknown=True)])
    assert (choice.settings.threshold, choice.record["f1_after"]) == (0.7, 1.0)
    assert choose_in_space(package(threshold=0.5), [cube()]).record["f1_after"] == pytest.approx(
        2 / 3, abs=1e-4
    )


def test_a_stack_in_which_nothing_can_be_seen_has_all_missed(seen: dict[float, NDArray[np.int32]]) -> None:
    seen.update(dict.fromkeys((0.3, 0.4, 0.5, 0.6, 0.7), shifted(0)))
    dark = replace(cube("dark"), image=replace(cube().image, pixels=np.zeros((12, 20, 20), np.float32)))
    assert choose_in_space(package(threshold=0.5), [dark]).record["f1_after"] == 0
    both = choose_in_space(package(threshold=0.5), [dark, cube()])
    assert both.record["f1_after"] == pytest.approx(2 / 3, abs=1e-4)
    assert both.settings.threshold == 0.5
