"""The memory that methods state per pixel, with which tiles are planned, is about what they need."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.pixels.pixel_forest import PixelForest
from veriscope.predict.part import predict_part
from veriscope.registry import make_method

SIDE = 512
NETWORK = """
from pathlib import Path
import numpy as np
from veriscope.core.image import Image
from veriscope.registry import make_method
method = make_method("nuclei-fluorescence")
y, x = np.indices((1024, 1024))
discs = ((y % 32 - 16) ** 2 + (x % 32 - 16) ** 2 < 64) * 200
pixels = np.random.default_rng(0).poisson(30 + discs).astype(np.uint16)
peaks = []
for side in (256, 1024):
    method.predict(Image(pixels[:side, :side], "yx"))
    # Not ru_maxrss, which begins with the peak of the process that started this one.
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    peaks.append(int(line.split()[1]) * 1024)
print((peaks[1] - peaks[0]) / (1024**2 - 256**2) / method.bytes_per_pixel)
"""


TINY = """
from pathlib import Path
import numpy as np
from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.registry import make_method
def peak():
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
budget = 200 << 20
method = make_method("nuclei-fluorescence")
method.make_ready()
method.limit_memory(budget)
y, x = np.indices((300, 300))
discs = ((y % 12 - 6) ** 2 + (x % 12 - 6) ** 2 < 16) * 200
pixels = np.random.default_rng(0).poisson(30 + discs).astype(np.uint16)
before = peak()
per_pixel = method.part_bytes(method.survey(ArraySource(Image(pixels[:160, :160], "yx"))))
side = int((budget / per_pixel) ** 0.5)
scale = method.predict(Image(pixels[:side, :side], "yx")).details["scale"]
print(scale, peak() - before, budget, per_pixel, method.whole_bytes((1, 1)), method.bytes_per_pixel)
"""
SURVEY = """
from pathlib import Path
import numpy as np
from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.registry import make_method
y, x = np.indices((832, 832))
discs = ((y % 32 - 16) ** 2 + (x % 32 - 16) ** 2 < 64) * 200
source = ArraySource(Image(np.random.default_rng(0).poisson(30 + discs).astype(np.uint16), "yx"))
def peak():
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
method = make_method("nuclei-fluorescence")
method.make_ready()
peaks, surveys = [peak()], []
for limit in (180 << 20, None):
    method = make_method("nuclei-fluorescence")
    if limit:
        method.limit_memory(limit)
    surveys.append(method.survey(source))
    peaks.append(peak())
assert surveys[0] == surveys[1]
print(peaks[1] - peaks[0], peaks[2] - peaks[0], int(method.survey_bytes(source.shape)))
"""


@cache
def nuclei() -> tuple[Image, np.ndarray]:
    rng = np.random.default_rng(0)
    scene = build_scene(SceneSettings(height_px=SIDE, width_px=SIDE, density_per_mm2=2600.0), rng)
    light = 30 + ndimage.gaussian_filter(400.0 * (scene.labels > 0) * scene.depth**0.3, 1.2)
    return Image(rng.poisson(light).astype(np.uint16), "yx"), scene.labels


def stack() -> Image:
    z, y, x = np.indices((24, 104, 130))
    balls = ((z * 2) % 24 - 12) ** 2 + (y % 26 - 13) ** 2 + (x % 26 - 13) ** 2 <= 64
    pixels = np.random.default_rng(0).poisson(20 + 100 * balls).astype(np.uint16)
    return Image(pixels, "zyx", {"z": 1.0, "y": 0.5, "x": 0.5})


def share(method: LocalMethod, image: Image) -> float:
    """Most memory that NumPy holds at once, relative to what the method states."""
    source = ArraySource(image)
    survey = method.survey(source)
    core = tuple(slice(0, size) for size in image.shape)
    tracemalloc.start()
    try:
        found = predict_part(method, source, survey, core)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.objects) > 20
    return peak / (image.pixels.size * method.bytes_per_pixel)


@pytest.mark.parametrize("name", ["otsu-watershed", "local-threshold-watershed", "log-spots"])
@pytest.mark.parametrize("kind", ["plane", "stack"])
def test_rules_need_what_they_state(name: str, kind: str) -> None:
    """Arrays are most of it; the rest is what the allocator and the reader of files hold."""
    method = make_method(name)
    assert isinstance(method, LocalMethod)
    assert 0.4 < share(method, nuclei()[0] if kind == "plane" else stack()) < 0.8


def test_the_forest_needs_what_it_states() -> None:
    image, labels = nuclei()
    corner = (slice(0, 128), slice(0, 128))
    small = Image(image.pixels[corner], "yx")
    forest = PixelForest(PixelForest.Parameters(n_trees=3)).fit([small], [labels[corner]])
    assert 0.3 < share(forest, image) < 1.0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read as Linux tells it")
def test_a_network_needs_what_it_states() -> None:
    """ONNX Runtime's memory is not NumPy's, so that of the whole process is measured."""
    done = subprocess.run([sys.executable, "-c", NETWORK], capture_output=True, text=True, check=True)
    assert 0.3 < float(done.stdout) < 1.1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read as Linux tells it")
def test_tiny_objects_are_enlarged_and_the_parts_are_planned_with_the_memory_that_this_takes() -> None:
    done = subprocess.run([sys.executable, "-c", TINY], capture_output=True, text=True, check=True)
    scale, used, budget, per_pixel, most, usual = map(float, done.stdout.split())
    assert scale > 2
    assert usual < per_pixel <= most
    assert 0.2 * budget < used < budget


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read as Linux tells it")
def test_a_network_keeps_to_the_memory_while_it_measures_the_image_before_any_part_is_cut() -> None:
    done = subprocess.run([sys.executable, "-c", SURVEY], capture_output=True, text=True, check=True)
    limited, free, objects = map(int, done.stdout.split())
    assert limited < (180 << 20) + objects < free


def test_limits_of_memory_change_no_result() -> None:
    image = nuclei()[0]
    free, tight = make_method("nuclei-fluorescence"), make_method("nuclei-fluorescence")
    assert isinstance(tight, LocalMethod)
    tight.limit_memory(0)
    expected, found = free.predict(image), tight.predict(image)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    np.testing.assert_array_equal(found.probability_map, expected.probability_map)
    assert expected.n_objects > 50


def test_only_an_unknown_size_has_to_be_measured_in_one_piece() -> None:
    for name, parameters, needs in (
        ("nuclei-fluorescence", {}, True),
        ("nuclei-fluorescence", {"diameter": 20.0}, False),
        ("otsu-watershed", {}, False),
    ):
        method = make_method(name, parameters)
        assert isinstance(method, LocalMethod)
        small, whole, large = (method.survey_bytes((side, side)) for side in (512, 2048, 40_000))
        assert (small > 0) == needs
        # Of an image of more than four million pixels windows are looked at.
        assert not needs or large == small < whole
