"""A large image predicted part by part elsewhere is, as a prediction, what the whole gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.rules.otsu_watershed import OtsuWatershed
from veriscope.predict.joined import can_join, predict_joined, unfinished_folder
from veriscope.predict.reading import Reading
from veriscope.predict.units import HereExecutor, Work
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

SHAPE = (150, 170)


def local(name: str, **parameters: Any) -> LocalMethod:
    method = make_method(name, parameters)
    assert isinstance(method, LocalMethod)
    return method


@pytest.fixture
def image(tmp_path: Path) -> Path:
    pixels = discs_image(SHAPE, diameter=14).pixels.astype(np.uint16)
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels, "yx"))
    return tmp_path / "a.ome.zarr"


class Mortal(HereExecutor):
    """Counts the pieces, and is stopped after some."""

    def __init__(self, most: int = 1000) -> None:
        self.most, self.done = most, 0

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for item in super().run(work, units):
            if self.done >= self.most:
                raise KeyboardInterrupt
            self.done += 1
            yield item


def assert_same(found: Prediction, expected: Prediction) -> None:
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.labels.dtype == np.int32
    assert (found.axes, found.details) == (expected.axes, expected.details)
    if expected.probabilities is None:
        assert found.probabilities is None
    else:
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)


@pytest.mark.parametrize("name", ["otsu-watershed", "log-spots", "nuclei-fluorescence"])
@pytest.mark.parametrize("tile", [48, 100])
def test_as_the_whole_in_labels_probabilities_and_details(
    image: Path, tmp_path: Path, name: str, tile: int
) -> None:
    method = local(name, diameter=14.0)
    pixels = discs_image(SHAPE, diameter=14).pixels.astype(np.uint16)
    expected = method.predict(Image(pixels, "yx"))
    found, _ = predict_joined(method, image, tmp_path / "o.ome.zarr", executor=HereExecutor(), tile=tile)
    assert expected.n_objects > 30
    assert_same(found, expected)


def test_a_stack(tmp_path: Path) -> None:
    z, y, x = np.indices((16, 90, 110))
    balls = ((z * 2) % 20 - 10) ** 2 + (y % 26 - 13) ** 2 + (x % 26 - 13) ** 2 <= 60
    pixels = np.random.default_rng(0).poisson(20 + 100 * balls).astype(np.uint16)
    stack = Image(pixels, "zyx", {"z": 1.0, "y": 0.5, "x": 0.5})
    write_ome_zarr(tmp_path / "s.ome.zarr", stack)
    method = local("otsu-watershed")
    found, _ = predict_joined(
        method, tmp_path / "s.ome.zarr", tmp_path / "o.ome.zarr", executor=HereExecutor(), tile=40
    )
    assert_same(found, method.predict(stack))
    assert found.n_objects > 10


def test_an_empty_image_gives_no_object(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(np.full(SHAPE, 7, np.uint16), "yx"))
    method = local("otsu-watershed")
    found, _ = predict_joined(
        method, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr", executor=HereExecutor(), tile=64
    )
    assert (found.n_objects, found.probabilities, found.labels.shape) == (0, None, SHAPE)
    assert found.details == {"nothing_above_background": True}


def test_what_was_stopped_goes_on_and_damaged_parts_are_done_again(image: Path, tmp_path: Path) -> None:
    method, output = local("log-spots", diameter=14.0), tmp_path / "o.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict_joined(method, image, output, executor=Mortal(5), tile=48)
    folder = unfinished_folder(output)
    assert folder == tmp_path / "o.ome.zarr.part"
    # The piece at which it was stopped was finished, though nobody was told.
    assert len(list((folder / "parts").glob("*.npz"))) == 6
    rest = Mortal()
    first, _ = predict_joined(method, image, output, executor=rest, tile=48)
    assert rest.done == 16 - 6
    (folder / "parts" / "00000003.npz").write_bytes(b"damaged")
    none = Mortal()
    again, _ = predict_joined(method, image, output, executor=none, tile=48)
    assert none.done == 0
    assert_same(again, first)
    # Another option is another piece of work, and is not mixed with this one.
    with pytest.raises(InputError, match=r"o\.ome\.zarr\.part: holds an unfinished run of another image"):
        predict_joined(local("log-spots", diameter=15.0), image, output, executor=none, tile=48)
    shutil.rmtree(folder)


def test_progress_counts_the_parts(image: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    predict_joined(
        local("otsu-watershed"),
        image,
        tmp_path / "o.ome.zarr",
        executor=HereExecutor(),
        tile=100,
        progress=lambda *step: steps.append(step),
    )
    assert steps == [("predict otsu-watershed: a.ome.zarr", done, 4) for done in range(5)]


def test_what_cannot_be_joined_is_told_beforehand(image: Path, tmp_path: Path) -> None:
    method = local("otsu-watershed")
    assert can_join(method, image, Reading())

    class Whole(Method):
        name, version, card = "whole", "1", OtsuWatershed.card

        def _predict(self, image: Image) -> Prediction:
            raise NotImplementedError

    assert not can_join(Whole(), image, Reading())
    assert not can_join(method, tmp_path / "none.tif", Reading())
    assert not can_join(method, image, Reading(channel="dna"))
    for name, axes in (("t", "tyx"), ("c", "cyx")):
        write_ome_zarr(tmp_path / f"{name}.ome.zarr", Image(np.zeros((2, 20, 20), np.uint8), axes))
        assert not can_join(method, tmp_path / f"{name}.ome.zarr", Reading())
    assert can_join(method, tmp_path / "c.ome.zarr", Reading(channel="1"))
    with pytest.raises(AxesError, match=r"t\.ome\.zarr: has time points; predict one of them at a time$"):
        predict_joined(
            method, tmp_path / "t.ome.zarr", tmp_path / "o.ome.zarr", executor=HereExecutor(), tile=16
        )


def test_nan_is_an_error_and_leaves_no_label_image(tmp_path: Path) -> None:
    pixels = discs_image(SHAPE, diameter=14).pixels.copy()
    pixels[120, 140] = np.nan
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels, "yx"))
    with pytest.raises(PixelValueError, match=r"a\.ome\.zarr: 1 of \d+ pixels are NaN or infinite"):
        predict_joined(
            local("otsu-watershed"),
            tmp_path / "a.ome.zarr",
            tmp_path / "o.ome.zarr",
            executor=HereExecutor(),
            tile=48,
        )
    assert not (tmp_path / "o.ome.zarr").exists()
