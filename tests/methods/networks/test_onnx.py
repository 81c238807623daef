import pickle
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.methods.networks.onnx import OnnxNetwork

EXAMPLES = NucleiFluorescence()._network.examples

PACKAGE = files("veriscope.methods.networks") / "nuclei_fluorescence_package"


def network(**options: int) -> OnnxNetwork:
    return OnnxNetwork(
        PACKAGE / "weights.onnx", **{"stride": 16, "halo": 112, "threads": 1, "examples": EXAMPLES, **options}
    )


def picture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    y, x = np.indices(shape)
    waves = 0.5 + 0.25 * (np.sin(y / 5.3) + np.sin(x / 6.1))
    return (waves + np.random.default_rng(seed).normal(0, 0.05, shape)).astype(np.float32)[None]


def test_the_package_gives_its_own_test_output() -> None:
    from veriscope.methods.networks.normalise import normalise_channels

    raw = np.load(str(PACKAGE / "test_input.npy"))[0]
    expected = np.load(str(PACKAGE / "test_output.npy"))[0]
    np.testing.assert_allclose(network().run(normalise_channels(raw)), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(400, 90), (90, 400), (330, 321)])
def test_tiles_give_the_same_as_the_whole(shape: tuple[int, int]) -> None:
    pixels = picture(shape)
    whole = network().run(pixels)
    tiled = network(tile_limit=304).run(pixels)
    assert whole.shape == (len(whole), *shape)
    np.testing.assert_allclose(tiled, whole, atol=2e-4)


def test_a_smaller_halo_would_leave_seams() -> None:
    pixels = picture((320, 128))
    whole = network().run(pixels)
    assert np.abs(network(tile_limit=64, halo=0).run(pixels) - whole).max() > 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (33, 2), (15, 17), (16, 16)])
def test_any_size_comes_back_as_it_went_in(shape: tuple[int, int]) -> None:
    result = network().run(picture(shape))
    assert result.shape[1:] == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_the_session_opens_late_and_stays_behind_when_pickled() -> None:
    missing = OnnxNetwork(Path("nowhere.onnx"), stride=16, halo=16, examples=EXAMPLES)
    with pytest.raises(FileNotFoundError):
        missing.run(picture((16, 16)))
    used = OnnxNetwork(Path(str(PACKAGE / "weights.onnx")), stride=16, halo=112, threads=1, examples=EXAMPLES)
    first = used.run(picture((32, 32)))
    copied = pickle.loads(pickle.dumps(used))
    np.testing.assert_array_equal(copied.run(picture((32, 32))), first)
