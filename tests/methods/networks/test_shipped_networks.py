"""Every network that ships keeps the contract, is whole, and finds on real images what its card promises."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as PillowImage
from scipy import ndimage

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import AxesError
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.methods.channels import channels_for
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.reading import Reading
from veriscope.registry import get_method, make_method
from veriscope.testing.methods import check_method
from veriscope.validate.instances import compare_instances

NAMES = ("nuclei-fluorescence", "nuclei-histology", "cells-phase-contrast", "generalist")


def tissue(shape: tuple[int, int] = (128, 144), *, seed: int = 0) -> Image:
    """Purple blurred discs on pink, as nuclei in H&E; 8-bit colours."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    inside = np.zeros(shape)
    for cy in range(20, shape[0] - 10, 36):
        for cx in range(20, shape[1] - 10, 36):
            centre = (cy + rng.uniform(-4, 4), cx + rng.uniform(-4, 4))
            inside[np.hypot(y - centre[0], x - centre[1]) < rng.uniform(8, 11)] = 1
    inside = ndimage.gaussian_filter(inside, 1)[..., None]
    colours = (1 - inside) * (228, 170, 205) + inside * (95, 55, 135)
    texture = ndimage.gaussian_filter(rng.normal(0, 25, shape), 1)[..., None]
    pixels = np.clip(colours + texture + rng.normal(0, 4, colours.shape), 0, 255).astype(np.uint8)
    return Image(np.moveaxis(pixels, -1, 0), "cyx", channels=RGB_CHANNELS, name="tissue")


def save(image: Image, path: Path) -> None:
    PillowImage.fromarray(np.moveaxis(image.pixels, 0, -1)).save(path)


def package(name: str) -> Path:
    cls = get_method(name)
    assert issubclass(cls, InstanceNetwork)
    return Path(str(cls.package.folder))


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_contract_of_a_method_is_kept(name: str) -> None:
    if name == "nuclei-histology":
        check_method(make_method(name), image=tissue((96, 112)))
    elif name == "generalist":
        check_method(make_method(name))
    else:
        check_method(make_method(name), image=big_discs())


def big_discs() -> Image:
    """Discs 40 pixels wide with a bright rim, as cells in phase contrast."""
    y, x = np.indices((150, 160))
    near = np.full(y.shape, 100.0)
    for centre in ((40, 45), (45, 115), (110, 75)):
        near = np.minimum(near, np.hypot(y - centre[0], x - centre[1]))
    light = 110 - 35 * (near < 18) + 60 * np.exp(-((near - 21) ** 2) / 6)
    noise = np.random.default_rng(0).normal(0, 3, light.shape)
    return Image((ndimage.gaussian_filter(light, 1) + noise).astype(np.float32), "yx", name="cells")


@pytest.mark.parametrize("name", NAMES)
def test_packages_are_whole_small_and_honest(name: str) -> None:
    folder = package(name)
    content = yaml.safe_load((folder / "bioimageio.yaml").read_text())
    raw, dense = content["inputs"][0], content["outputs"][0]
    for item in (content["weights"]["onnx"], raw["test_tensor"], dense["test_tensor"]):
        assert hashlib.sha256((folder / item["source"]).read_bytes()).hexdigest() == item["sha256"]
    assert (folder / "weights.onnx").stat().st_size <= 6_000_000
    assert sum(path.stat().st_size for path in folder.glob("test_*put.npy")) < 2_000_000
    assert raw["preprocessing"][-1] == {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}
    own = content["config"]["veriscope"]
    assert {"network", "card", "training"} <= own.keys()
    card = get_method(name).card
    assert card.figures and card.limits and card.training_data != "none"
    assert all("shipped_networks.py" in line or "precision" in line for line in card.figures)
    evaluations = content["config"]["bioimageio"]["evaluations"]
    assert {item["dataset_role"] for item in evaluations} >= {"test"}


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_example_comes_out(name: str) -> None:
    method = make_method(name, {"engine": "onnxruntime"})
    assert isinstance(method, InstanceNetwork)
    for example in method.package.examples("float32"):
        found = method._network.opened().run(example.values)[0]
        seen = found[tuple(slice(0, size) for size in example.expected.shape)]
        assert np.abs(seen - example.expected).max() < 1e-3


def test_colour_is_seen_without_choosing_a_channel(tmp_path: Path) -> None:
    image = tissue()
    (tmp_path / "in").mkdir()
    save(image, tmp_path / "in" / "a.png")
    method = make_method("nuclei-histology")
    record = predict_folder(method, tmp_path / "in", tmp_path / "out")
    labels = read_labels(tmp_path / "out" / "a.tif")
    assert record["n_objects"] == labels.max() == method.predict(image).n_objects > 4
    with pytest.raises(AxesError, match="--channel 0: nuclei-histology sees 3 channels at once; leave out"):
        Reading(channel="0").view(method, image)


@pytest.mark.parametrize("name", ["nuclei-histology", "generalist"])
def test_tiles_of_colour_images_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    image = tissue((300, 420), seed=2)
    save(image, tmp_path / "a.png")
    method = make_method(name)
    whole = method.predict(channels_for(method, image, None)).labels
    assert whole.max() > 30
    for tile in (64, 150):
        out = tmp_path / f"{tile}.ome.zarr"
        predict_image(method, tmp_path / "a.png", out, tile=tile)
        np.testing.assert_array_equal(read_labels(out), whole)


def test_wrong_channels_are_refused_and_the_way_out_is_said() -> None:
    histology, image = make_method("nuclei-histology"), tissue()
    with pytest.raises(AxesError) as caught:
        histology.predict(image.select_channel(0))
    assert str(caught.value) == (
        "tissue: nuclei-histology takes three channels (red, green, blue) and the image has one channel; "
        "give images with 3 channels, or use a method that takes one"
    )
    stains = Image(image.pixels, "cyx", channels=("DAPI", "actin", "tubulin"), name="cells")
    with pytest.raises(AxesError, match=r"takes colour photographs .* are DAPI, actin, tubulin"):
        histology.predict(stains)
    for name in ("nuclei-fluorescence", "cells-phase-contrast"):
        with pytest.raises(AxesError, match="has 3 channels and the analysis takes one"):
            channels_for(make_method(name), image, None)


def test_the_generalist_sees_the_luminance_of_colours_unless_told() -> None:
    method, image = make_method("generalist"), tissue()
    assert channels_for(method, image, None).pixels.dtype == np.float32
    np.testing.assert_array_equal(channels_for(method, image, "1").pixels, image.pixels[1])
    assert method.predict(channels_for(method, image, None)).n_objects > 4


def test_the_generalist_finds_bright_and_dark_objects() -> None:
    method, grey = make_method("generalist"), tissue().pixels[1]
    dark = method.predict(Image(grey, "yx")).labels
    bright = method.predict(Image(255 - grey, "yx")).labels
    assert float(compare_instances([dark], [bright]).metrics["f1@0.5"].value or 0) > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_networks_travel_to_other_processes(name: str) -> None:
    method = make_method(name, {"threshold": 0.4})
    again = pickle.loads(pickle.dumps(method))
    assert again.describe() == method.describe()
    assert again.describe()["parameters"]["threshold"] == 0.4


FLOORS = (
    ("nuclei-histology", "dsb2018_histology", 6, 0.6),
    ("generalist", "dsb2018_fluorescence", 10, 0.8),
    ("generalist", "dsb2018_histology", 6, 0.55),
)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "folder", "n", "floor"), FLOORS)
def test_held_out_images_are_segmented(name: str, folder: str, n: int, floor: float, data_dir: Path) -> None:
    rows = [line.split(",") for line in (data_dir / folder / "split.csv").read_text().splitlines()]
    method, references, predictions = make_method(name), [], []
    for stem in [row[0] for row in rows if row[1] == "test"][:n]:
        (path,) = (data_dir / folder / "images").glob(f"{stem}.*")
        references.append(read_labels(data_dir / folder / "labels" / f"{stem}.tif"))
        predictions.append(method.predict(channels_for(method, read_image(path), None)).labels)
    assert (compare_instances(references, predictions).metrics["f1@0.5"].value or 0) >= floor
