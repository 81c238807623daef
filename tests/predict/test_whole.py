"""Methods that take images as a whole keep --memory, or refuse before anything is predicted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import InputError, MethodError
from veriscope.io.images import read_header
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Card, Method
from veriscope.predict.folder import predict_folder
from veriscope.predict.reading import Reading
from veriscope.predict.whole import fits_whole, require_whole, workers_for_whole
from veriscope.registry import make_method, method_names

MB = 1 << 20


class Whole(Method):
    """Needs the whole image, and knows what for."""

    name: ClassVar[str] = "whole"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Whole.", objects=("disc",), modalities=())
    limited: int | None = None

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        return 10_000.0 * shape[0] * shape[1]

    def limit_memory(self, n_bytes: int) -> None:
        self.limited = n_bytes

    def _predict(self, image: Image) -> Prediction:
        return Prediction((image.pixels > 5).astype(np.int32), "yx")


class Silent(Whole):
    """Does not know what it needs."""

    def whole_bytes(self, shape: tuple[int, ...]) -> float | None:
        return None


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One small image and one larger one."""
    for name, side in (("a", 60), ("b", 300)):
        pixels = np.zeros((side, side), np.uint8)
        pixels[10:20, 10:20] = 9
        write_ome_zarr(tmp_path / "in" / f"{name}.ome.zarr", Image(pixels, "yx"))
    return tmp_path / "in"


def test_an_image_that_needs_more_is_refused_before_any_is_predicted_and_the_amount_told_does(
    images: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        predict_folder(Whole(), images, tmp_path / "out", memory=700 * MB)
    text = str(error.value)
    assert "b.ome.zarr: whole takes images as a whole (always), and needs about " in text
    assert "for this one of 300 × 300 pixels; --memory promises 700MB. Give more, or smaller images" in text
    assert "a.ome.zarr" not in text
    assert not (tmp_path / "out").exists()
    enough = int(text.split("needs about ")[1].split("MB")[0]) * MB
    assert predict_folder(Whole(), images, tmp_path / "out", memory=enough)["n_done"] == 2
    left_out = predict_folder(
        Whole(), images, tmp_path / "some", memory=700 * MB, reading=Reading(skip_bad=True)
    )
    assert [row["image"] for row in left_out["images"]] == ["a"]


def test_workers_share_what_is_promised(images: Path, tmp_path: Path) -> None:
    header = read_header(images / "a.ome.zarr")
    one = next(memory for memory in range(300 * MB, 2000 * MB, MB) if fits_whole(Whole(), header, memory, 1))
    assert not fits_whole(Whole(), header, one, 2)
    method = Whole()
    predict_folder(method, [str(images / "a.ome.zarr")], tmp_path / "out", memory=one)
    assert method.limited is not None
    assert 36 * 10**6 <= method.limited < 38 * 10**6


def test_fewer_work_where_all_could_not_hold_an_image_and_it_is_said_of_each(
    images: Path, tmp_path: Path
) -> None:
    """It was refused, with the advice to give fewer workers."""
    header = read_header(images / "b.ome.zarr")
    enough = next(n for n in range(1000 * MB, 5000 * MB, MB) if fits_whole(Whole(), header, n, 1))
    method = Whole()
    found = predict_folder(method, images, tmp_path / "out", memory=enough, workers=3)
    assert method.limited is not None and method.limited >= 10_000 * 300**2
    note = f"predicted by 1 worker instead of 3: {enough >> 20}MB do not suffice for 3"
    assert [row["notes"][-1] for row in found["images"]] == [note, note]
    assert note in (tmp_path / "out" / "record.jsonl").read_text()
    small = [read_header(images / "a.ome.zarr")]
    both = [header, *small]
    assert workers_for_whole(Whole(), both, enough, 3) == 1
    assert workers_for_whole(Whole(), small, enough, 3) == 2
    # One that nobody can hold is refused, or left out; it says nothing of the others.
    assert workers_for_whole(Whole(), both, enough - MB, 2) == 2
    assert workers_for_whole(Silent(), both, enough, 2) == 2


def test_a_method_that_does_not_know_what_it_needs_promises_nothing(images: Path, tmp_path: Path) -> None:
    with pytest.raises(MethodError) as error:
        predict_folder(Silent(), images, tmp_path / "out", memory=4096 * MB)
    assert "--memory: whole takes images as a whole, and how much memory it needs for them is not known" in (
        str(error.value)
    )
    assert not (tmp_path / "out").exists()
    assert predict_folder(Silent(), images, tmp_path / "out")["n_done"] == 2


def test_all_channels_of_a_file_that_is_read_whole_count(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 60), np.uint16)
    write_ome_zarr(tmp_path / "many.ome.zarr", Image(pixels, "cyx"))
    write_ome_zarr(tmp_path / "one.ome.zarr", Image(pixels[0], "yx"))
    many, one = (read_header(tmp_path / f"{name}.ome.zarr") for name in ("many", "one"))
    least = next(n for n in range(300 * MB, 400 * MB, 10_000) if fits_whole(Whole(), one, n, 1))
    assert not fits_whole(Whole(), many, least, 1)
    assert fits_whole(Whole(), many, least + int(pixels.nbytes / 0.8) + 20_000, 1)
    require_whole(Whole(), one, least)


@pytest.mark.parametrize("name", method_names())
def test_every_method_that_is_listed_says_what_it_needs(name: str) -> None:
    method = make_method(name)
    small, large = method.whole_bytes((500, 500)), method.whole_bytes((1000, 1000))
    assert small is not None
    assert large is not None
    assert 50 * 250_000 < small < 10_000 * 250_000
    assert large == pytest.approx(4 * small)


@pytest.mark.parametrize(("name", "diameters"), [("nuclei-fluorescence", (5, 20)), ("blood-cells", (20, 80))])
def test_networks_need_more_for_tiny_objects_because_they_enlarge_them(
    name: str, diameters: tuple[float, float]
) -> None:
    tiny, usual = (make_method(name, {"diameter": float(d)}).whole_bytes((500, 500)) for d in diameters)
    assert tiny is not None
    assert usual is not None
    assert tiny > 2 * usual
