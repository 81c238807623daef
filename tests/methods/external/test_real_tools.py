"""The tools themselves, in environments that were made by `veriscope models install`.

Not run in CI, which must not install gigabytes of them: set VERISCOPE_EXTERNAL to a folder of environments
that you made, and run ``pytest -m slow tests/methods/external``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.external.environment import find_environment
from veriscope.methods.external.find import recipe_of
from veriscope.registry import make_method
from veriscope.testing.methods import check_method, discs_image
from veriscope.workflow.study import Study
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
    image = discs_image((96, 128), diameter=18.0, seed=seed)
    yy, xx = np.indices(image.shape)
    pitch = 1.75 * 18.0
    dy, dx = (yy % pitch) - pitch / 2, (xx % pitch) - pitch / 2
    inside = dy**2 + dx**2 <= 81
    labels = np.where(inside, 1 + (yy // pitch).astype(int) * 6 + (xx // pitch).astype(int), 0)
    return image.pixels, labels


TRAINING: dict[str, ExternalTraining] = {
    "stardist": StarDistTraining(epochs=6, steps_per_epoch=20, patch=64, learning_rate=3e-3, threads=2),
    "cellpose": CellposeTraining(epochs=8, batch_size=4, images_per_epoch=4, learning_rate=0.2, threads=2),
}
AFTER_A_MOMENT: dict[str, dict[str, Any]] = {"stardist": {}, "cellpose": {"flow_threshold": 3.0}}
"""So short a training of Cellpose gives flow whose errors are above its usual limit."""


@pytest.fixture(scope="module", params=sorted(TRAINING))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A model of the tool, trained for a moment by its own means; what training said."""
    need(request.param)
    pairs = [annotated(seed) for seed in range(5)]
    images, labels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return train_external(
        request.param,
        images[:4],
        labels[:4],
        tmp_path_factory.mktemp(request.param) / "model",
        validation=(images[4:], labels[4:]),
        options=TRAINING[request.param],
    )


def test_a_trained_model_predicts_and_keeps_the_contract(trained: dict[str, Any]) -> None:
    assert trained["losses"] and trained["version"]
    pixels, labels = annotated(9)
    method = make_method(trained["method"], AFTER_A_MOMENT[trained["tool"]])
    check_method(method, image=Image(pixels, "yx"))
    counted = method.predict(Image(pixels, "yx")).n_objects
    assert abs(counted - labels.max()) <= 0.5 * labels.max()
    said = method.describe()["tool"]
    assert said["name"] == trained["tool"] and said["version"] == trained["version"]
    assert all(len(value) == 64 for value in said["files"].values())


def test_a_trained_model_is_a_candidate_of_a_study(trained: dict[str, Any], tmp_path: Path) -> None:
    """It runs beside a method of our own, and the record names the tool's version and files."""
    (tmp_path / "images").mkdir()
    for seed in (20, 21):
        tifffile.imwrite(tmp_path / "images" / f"{seed}.tif", annotated(seed)[0])
    study = Study.new(
        tmp_path / "study",
        images=tmp_path / "images",
        object="nucleus",
        methods=(trained["method"], "otsu-watershed"),
        tile_size=64,
    )
    runs = {run.candidate: run for run in study.run()}
    assert len(runs) == 2 and not any(run.failed for run in runs.values())
    steps = [json.loads(line) for line in (tmp_path / "study" / "record.jsonl").read_text().splitlines()]
    tools = [step["parameters"]["method"].get("tool") for step in steps if step["step"] == "predict"]
    (said,) = {tool["version"] for tool in tools if tool}
    assert said == trained["version"] and len(tools) == 4
    again = study.run()
    assert all(run.n_done == 0 for run in again), "what is current was done again"


def test_a_damaged_model_is_an_error_with_its_name(trained: dict[str, Any], tmp_path: Path) -> None:
    source = Path(trained["method"].partition(":")[2])
    target = tmp_path / "damaged"
    if source.is_dir():
        shutil.copytree(source, target)
        for path in target.glob("weights_*.h5"):
            path.write_bytes(path.read_bytes()[:1000])
    else:
        target.write_bytes(source.read_bytes()[:1000])
    method = make_method(f"{trained['tool']}:{target}")
    with pytest.raises(MethodError, match="the tool failed"):
        method.predict(Image(annotated(0)[0], "yx"))


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
