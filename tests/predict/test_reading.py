"""What a method sees of a file is the same whether it is read whole or part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import grid
from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Card, Method
from veriscope.predict.image import predict_image
from veriscope.predict.reading import ChannelSource, Reading
from veriscope.registry import make_method

OTSU = make_method("otsu-watershed")
SIZES = {"t": 2, "z": 3, "y": 23, "x": 31}


class SeesAll(Method):
    """Takes two channels at once."""

    name: ClassVar[str] = "sees-all"
    version: ClassVar[str] = "1"
    n_channels: ClassVar[int] = 2
    card: ClassVar[Card] = Card(summary="Two.", objects=("cell",), modalities=(), channels="two channels")

    def _predict(self, image: Image) -> Prediction:
        return Prediction(np.zeros(image.spatial_shape, np.int32), "yx")


class SeesLuminance(SeesAll):
    """Takes colours as brightness."""

    name: ClassVar[str] = "sees-luminance"
    n_channels: ClassVar[int] = 1
    colour_channel: ClassVar[str | None] = "luminance"


def made(axes: str, channels: tuple[str, ...] = (), dtype: str = "u1") -> Image:
    shape = [len(channels) if letter == "c" else SIZES[letter] for letter in axes]
    values = np.random.default_rng(0).integers(0, 200, shape)
    spacing = {letter: 0.5 for letter in axes if letter in "zyx"}
    return Image(values.astype(dtype), axes, spacing, channels, name="a.ome.zarr")


def stored(folder: Path, image: Image) -> Path:
    write_ome_zarr(folder / "a.ome.zarr", image)
    return folder / "a.ome.zarr"


def everything(source: ChannelSource) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in source.shape)


CASES: list[tuple[str, tuple[str, ...], str, str | None]] = [
    ("yx", (), "u2", None),
    ("yx", (), "f4", "0"),
    ("yx", (), "u1", "luminance"),
    ("zyx", (), "u2", None),
    ("cyx", ("DAPI",), "u2", None),
    ("cyx", ("DAPI",), "u2", "luminance"),
    ("cyx", ("DAPI", "actin"), "u2", "1"),
    ("cyx", ("DAPI", "actin"), "u2", "ACTIN"),
    ("cyx", ("1", "0"), "u2", "0"),
    ("czyx", ("DAPI", "actin"), "i2", "dapi"),
    ("cyx", RGB_CHANNELS, "u1", "luminance"),
    ("cyx", RGB_CHANNELS, "f4", "Luminance"),
    ("cyx", RGB_CHANNELS, "u1", "hematoxylin"),
    ("cyx", RGB_CHANNELS, "u1", "green"),
    ("cyx", ("Hematoxylin", "DAB"), "u2", "hematoxylin"),
    ("cyx", ("DAB", "Luminance"), "f4", "luminance"),
]


@pytest.mark.parametrize(("axes", "channels", "dtype", "channel"), CASES)
def test_parts_put_together_are_what_is_seen_of_the_whole(
    tmp_path: Path, axes: str, channels: tuple[str, ...], dtype: str, channel: str | None
) -> None:
    """A channel of its own named Hematoxylin was taken for the computed one, and 16 bits of it refused."""
    path = stored(tmp_path, made(axes, channels, dtype))
    reading = Reading(channel=channel)
    whole = reading.view(OTSU, reading.read(path))
    source = reading.source(path, OTSU)
    assert (source.axes, source.shape, source.dtype) == (whole.axes, whole.shape, whole.pixels.dtype)
    assert (source.spacing, source.channels, source.n_times) == (whole.spacing, (), None)
    put_together = np.zeros(whole.shape, whole.pixels.dtype)
    for region in grid(source.shape, (2, 9, 10)[-len(source.shape) :]):
        put_together[region] = source.read(region)
    np.testing.assert_array_equal(put_together, whole.pixels)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("film"), made("tczyx", ("DAPI", "actin"), "u2"))


@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_part_at_any_time_is_that_of_the_file(films: Path, data: st.DataObject) -> None:
    pixels = made("tczyx", ("DAPI", "actin"), "u2").pixels
    moment, channel = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    region = []
    for letter in "zyx":
        start = data.draw(st.integers(0, SIZES[letter] - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, SIZES[letter]))))
    source = Reading(channel=str(channel)).source(films, OTSU)
    assert source.n_times == 2
    found = source.at(moment).read(tuple(region))
    np.testing.assert_array_equal(found, pixels[moment, channel][tuple(region)])
    np.testing.assert_array_equal(source.read(tuple(region)), pixels[0, channel][tuple(region)])


@pytest.mark.parametrize("moment", [0, 1])
def test_a_method_of_several_channels_gets_them_all_in_every_part(tmp_path: Path, moment: int) -> None:
    image = made("tcyx", ("DAPI", "actin"), "u2")
    source = Reading().source(stored(tmp_path, image), SeesAll()).at(moment)
    assert source.channels == ("DAPI", "actin")
    region = (slice(3, 8), slice(20, 31))
    np.testing.assert_array_equal(source.read(region), image.pixels[moment][:, 3:8, 20:31])
    part = source.image(region)
    assert (part.axes, part.channels) == ("cyx", ("DAPI", "actin"))
    assert [single.read(region).shape for single in source.singles()] == [(5, 11), (5, 11)]


def test_a_choice_for_a_method_that_sees_all_is_refused_whole_or_in_parts(tmp_path: Path) -> None:
    path, reading = stored(tmp_path, made("cyx", ("DAPI", "actin"))), Reading(channel="DAPI")
    for call in (
        lambda: reading.view(SeesAll(), reading.read(path)),
        lambda: reading.source(path, SeesAll()),
    ):
        with pytest.raises(AxesError) as error:
            call()
        assert str(error.value) == ("--channel DAPI: sees-all sees 2 channels at once; leave out --channel")


def test_a_method_that_knows_colours_needs_no_choice(tmp_path: Path) -> None:
    path = stored(tmp_path, made("cyx", RGB_CHANNELS))
    whole = Reading().view(SeesLuminance(), Reading().read(path))
    source = Reading().source(path, SeesLuminance())
    np.testing.assert_array_equal(source.read(everything(source)), whole.pixels)
    chosen = Reading(channel="blue").source(path, SeesLuminance())
    np.testing.assert_array_equal(chosen.read(everything(chosen)), made("cyx", RGB_CHANNELS).pixels[2])


@pytest.mark.parametrize(
    ("channels", "dtype", "channel", "message"),
    [
        (
            ("DAPI", "actin"),
            "u1",
            None,
            "a.ome.zarr: has 2 channels and the analysis takes one; "
            "choose with --channel: 0 (DAPI), 1 (actin)",
        ),
        (
            ("DAPI", "actin"),
            "u1",
            "gfp",
            "a.ome.zarr: no channel 'gfp'; the channels are 0 (DAPI), 1 (actin)",
        ),
        (("DAPI", "actin"), "u1", "2", "a.ome.zarr: no channel '2'; the channels are 0 (DAPI), 1 (actin)"),
        (
            ("DAPI", "actin"),
            "u1",
            "hematoxylin",
            "a.ome.zarr: hematoxylin needs a colour image with channels red, green, blue",
        ),
        (
            RGB_CHANNELS,
            "u2",
            "hematoxylin",
            "a.ome.zarr: hematoxylin is computed from 8-bit colours part by part, and these are uint16; "
            "convert the image to 8 bits",
        ),
        (
            RGB_CHANNELS,
            "u1",
            None,
            "a.ome.zarr: has 3 channels (red, green, blue) and the analysis takes one; choose one with "
            "--channel, or --channel luminance or hematoxylin. Whether an image read part by part is grey is "
            "not looked at: --channel 0 if it is",
        ),
    ],
)
def test_a_choice_that_is_missing_or_impossible_is_said_before_any_work(
    tmp_path: Path, channels: tuple[str, ...], dtype: str, channel: str | None, message: str
) -> None:
    path = stored(tmp_path, made("cyx", channels, dtype))
    with pytest.raises(AxesError) as error:
        Reading(channel=channel).source(path, OTSU)
    assert str(error.value) == message
    with pytest.raises(AxesError):
        predict_image(OTSU, path, tmp_path / "o.ome.zarr", reading=Reading(channel=channel))
    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.zarr"]


def test_a_pixel_that_is_no_number_is_found_in_the_part_that_holds_it(tmp_path: Path) -> None:
    image = made("yx", dtype="f4")
    image.pixels[20, 30] = np.nan
    source = Reading().source(stored(tmp_path, image), OTSU)
    assert source.corner().pixels.shape == (1, 1)
    np.testing.assert_array_equal(source.read((slice(0, 20), slice(0, 31))), image.pixels[:20])
    with pytest.raises(PixelValueError, match=r"^a\.ome\.zarr: 1 of 6 pixels are NaN or infinite; replace"):
        source.read((slice(20, 22), slice(28, 31)))
    with pytest.raises(PixelValueError):
        predict_image(OTSU, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr")
    assert not (tmp_path / "o.ome.zarr").exists()


def test_nan_in_another_channel_does_not_matter(tmp_path: Path) -> None:
    image = made("cyx", ("DAPI", "actin"), "f4")
    image.pixels[1, 5, 5] = np.inf
    source = Reading(channel="DAPI").source(stored(tmp_path, image), OTSU)
    np.testing.assert_array_equal(source.read(everything(source)), image.pixels[0])


@pytest.mark.parametrize("axes", ["cyx", "zyx", None])
def test_the_user_can_say_what_a_plain_file_does_not(tmp_path: Path, axes: str | None) -> None:
    pixels = np.random.default_rng(0).integers(0, 99, (2, 15, 17)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata=None)
    reading = Reading(axes=axes, channel="1" if axes == "cyx" else None, spacing=None)
    if axes is None:
        with pytest.raises(InputError, match="--axes"):
            reading.source(tmp_path / "a.tif", OTSU)
        return
    source = reading.source(tmp_path / "a.tif", OTSU)
    expected = pixels[1] if axes == "cyx" else pixels
    np.testing.assert_array_equal(source.read(everything(source)), expected)
    seen = reading.view(OTSU, reading.read(tmp_path / "a.tif"))
    np.testing.assert_array_equal(seen.pixels, expected)


def test_the_pixel_size_given_counts_more_than_that_of_the_file(tmp_path: Path) -> None:
    path = stored(tmp_path, made("zyx"))
    given = {"z": 2.0, "y": 0.25, "x": 0.25}
    reading: Any = Reading(spacing=given)
    assert reading.source(path, OTSU).spacing == given
    assert reading.read(path).spacing == given
    assert reading.header(path).spacing == given
    assert Reading().source(path, OTSU).spacing == {"z": 0.5, "y": 0.5, "x": 0.5}


def test_blocks_go_through_a_stack_once(tmp_path: Path) -> None:
    image = made("zyx", dtype="u2")
    source = Reading().source(stored(tmp_path, image), OTSU)
    source.block = (2, 7, 10)
    seen = sum(int(block.pixels[block.core].sum()) for block in source.blocks(halo=2))
    assert seen == int(image.pixels.sum())
