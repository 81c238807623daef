"""The tools themselves, in environments that were made by `veriscope models install`.

Not run in CI, which must not install gigabytes of them: set VERISCOPE_EXTERNAL to a folder of environments
that you made, and run ``pytest -m slow tests/methods/external``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.methods.external.environment import find_environment
from veriscope.methods.external.find import recipe_of
from veriscope.registry import make_method
from veriscope.testing.methods import check_method, discs_image
from veriscope.zoo.train_external import CellposeTraining, ExternalTraining, StarDistTraining, train_external
from veriscope.zoo.try_tool import try_tool

pytestmark = pytest.mark.slow


def need(tool: str) -> None:
    if "VERISCOPE_EXTERNAL" not in os.environ:
        pytest.skip("VERISCOPE_EXTERNAL names no folder of environments; veriscope models install makes them")
    if find_environment(recipe_of(tool)) is None:
        pytest.skip(f"{tool} is not in $VERISCOPE_EXTERNAL; make it with: veriscope models install {tool}")


@pytest.mark.parametrize("tool", ["cellpose", "cellpose-sam", "instanseg", "sam", "stardist"])
def test_a_model_of_random_weights_is_saved_loaded_and_run(tool: str) -> None:
    need(tool)
    environment = find_environment(recipe_of(tool))
    assert environment is not None
    assert try_tool(recipe_of(tool), environment)["text"].endswith("loaded and run")


def annotated(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Discs of one size, and the truth of them."""
    image = discs_image((128, 160), diameter=18.0, seed=seed)
    yy, xx = np.indices(image.shape)
    pitch = 1.75 * 18.0
    dy, dx = (yy % pitch) - pitch / 2, (xx % pitch) - pitch / 2
    inside = dy**2 + dx**2 <= 81
    labels = np.where(inside, 1 + (yy // pitch).astype(int) * 6 + (xx // pitch).astype(int), 0)
    return image.pixels, labels


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("stardist", StarDistTraining(epochs=8, steps_per_epoch=25, patch=64, learning_rate=3e-3)),
        ("cellpose", CellposeTraining(epochs=40, images_per_epoch=8)),
    ],
)
def test_it_trains_predicts_and_keeps_the_contract(
    tool: str, options: ExternalTraining, tmp_path: Path
) -> None:
    need(tool)
    pairs = [annotated(seed) for seed in range(5)]
    images, labels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = train_external(
        tool, images[:4], labels[:4], tmp_path / "model", validation=(images[4:], labels[4:]), options=options
    )
    assert found["method"] == f"{tool}:{tmp_path / 'model'}" and found["losses"]
    method = make_method(found["method"])
    check_method(method, image=Image(images[4], "yx"))
    counted = method.predict(Image(images[4], "yx")).n_objects
    assert abs(counted - labels[4].max()) <= 0.5 * labels[4].max()


def test_a_macro_runs_in_imagej(tmp_path: Path) -> None:
    """Otsu's threshold of ImageJ finds the discs; the macro around it is ours."""
    need("fiji")
    macro = tmp_path / "count discs.ijm"
    macro.write_text(
        'setAutoThreshold("Otsu dark");\n'
        'run("Analyze Particles...", "size=" + getArgument() + "-Infinity show=[Count Masks]");\n'
    )
    image = discs_image()
    found = make_method(f"fiji:{macro}", {"argument": "20"}).predict(image)
    ours = make_method("otsu-watershed").predict(image)
    assert found.n_objects == ours.n_objects > 5
    assert np.mean((found.labels > 0) == (ours.labels > 0)) > 0.98
