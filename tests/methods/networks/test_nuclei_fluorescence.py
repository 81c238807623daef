import hashlib
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from PIL import Image as PillowImage
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.testing.methods import check_method
from veriscope.validate.instances import compare_instances

PACKAGE = Path(str(files("veriscope.methods.networks") / "nuclei_fluorescence_package"))


def nuclei(
    diameter: float, *, rows: int = 4, columns: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Blurred, noisy 16-bit discs, every second one touching its neighbour; and their labels."""
    rng = np.random.default_rng(seed)
    pitch = 1.5 * diameter
    y, x = np.indices((int(rows * pitch), int(columns * pitch)))
    labels = np.zeros(y.shape, np.int32)
    for i in range(rows):
        for j in range(columns):
            shift = 0.22 * diameter * (1 if j % 2 == 0 else -1)
            centre = (i + 0.5) * pitch, (j + 0.5) * pitch + shift
            radius = diameter / 2 * rng.uniform(0.9, 1.1)
            labels[(np.hypot(y - centre[0], x - centre[1]) < radius) & (labels == 0)] = labels.max() + 1
    light = rng.uniform(0.6, 1.4, labels.max() + 1)[labels] * (labels > 0)
    sharp = ndimage.gaussian_filter(light, 0.03 * diameter + 0.5)
    return rng.poisson(150 + 900 * sharp).astype(np.uint16), labels


def f1(reference: np.ndarray, labels: np.ndarray) -> float:
    value = compare_instances([reference], [labels]).metrics["f1@0.5"].value
    return float(value or 0)


def test_the_contract_of_a_method_is_kept() -> None:
    check_method(NucleiFluorescence())


@pytest.mark.parametrize("diameter", [6, 9, 20, 45, 80, 200])
def test_touching_nuclei_of_any_size_are_found_without_being_told_it(diameter: float) -> None:
    size = {"rows": 2, "columns": 3} if diameter > 100 else {"rows": 4, "columns": 5}
    pixels, labels = nuclei(diameter, **size)
    result = NucleiFluorescence().predict(Image(pixels, "yx"))
    assert f1(labels, result.labels) >= 0.9
    scale = result.details["scale"]
    assert scale > 1 if diameter < 10 else scale < 1 if diameter > 100 else scale == 1


@pytest.mark.parametrize("diameter", [5, 20, 250])
def test_a_stated_diameter_extends_the_range(diameter: float) -> None:
    pixels, labels = nuclei(diameter, rows=3, columns=4)
    method = NucleiFluorescence(NucleiFluorescence.Parameters(diameter=diameter))
    assert f1(labels, method.predict(Image(pixels, "yx")).labels) >= 0.9


@pytest.mark.parametrize("kind", ["noise", "gradient", "dark counts", "hot pixels"])
def test_images_without_nuclei_stay_empty(kind: str) -> None:
    rng = np.random.default_rng(3)
    y, x = np.indices((256, 256))
    pixels = {
        "noise": rng.normal(1000, 30, y.shape),
        "gradient": rng.normal(500 + y + 0.5 * x, 5),
        "dark counts": rng.poisson(0.05, y.shape),
        "hot pixels": 100 + 4000 * (rng.random(y.shape) < 1e-3),
    }[kind]
    result = NucleiFluorescence().predict(Image(pixels.astype(np.float32), "yx"))
    assert result.n_objects <= 1


def test_gain_and_offset_of_the_camera_do_not_change_the_labels() -> None:
    pixels, _ = nuclei(20)
    method = NucleiFluorescence()
    plain = method.predict(Image(pixels, "yx")).labels
    changed = method.predict(Image(pixels.astype(np.float64) * 3.7 - 1e4, "yx")).labels
    assert (plain != changed).mean() < 1e-3


def test_probabilities_are_those_of_the_objects() -> None:
    pixels, _ = nuclei(20)
    result = NucleiFluorescence().predict(Image(pixels, "yx"))
    assert result.probabilities is not None
    assert result.probability_map is not None
    assert result.probabilities.shape == (result.n_objects,)
    assert result.probabilities.min() > 0.5
    assert result.probability_map[result.labels > 0].min() >= 0.5
    assert np.median(result.probability_map[ndimage.distance_transform_edt(result.labels == 0) > 5]) < 0.1


def test_wrong_options_are_named() -> None:
    with pytest.raises(InputError, match="diameter: Input should be greater than 1"):
        NucleiFluorescence.Parameters.parse({"diameter": -3}, where="nuclei-fluorescence")


@pytest.mark.real_data
def test_real_nuclei_of_another_laboratory_are_found(data_dir: Path) -> None:
    folder = data_dir / "stardist_demo"
    image = Image(tifffile.imread(folder / "images" / "img2d.tif"), "yx")
    reference = tifffile.imread(folder / "labels" / "img2d.tif")
    assert f1(reference, NucleiFluorescence().predict(image).labels) >= 0.92


@pytest.mark.real_data
def test_held_out_images_of_the_training_collection(data_dir: Path) -> None:
    folder = data_dir / "dsb2018_fluorescence"
    rows = [line.split(",") for line in (folder / "split.csv").read_text().splitlines()]
    stems = [row[0] for row in rows if row[1] == "test" and row[2] == "fluo_256"][:10]
    method = NucleiFluorescence()
    images = [np.asarray(PillowImage.open(folder / "images" / f"{stem}.png")) for stem in stems]
    comparison = compare_instances(
        [tifffile.imread(folder / "labels" / f"{stem}.tif") for stem in stems],
        [method.predict(Image(pixels, "yx")).labels for pixels in images],
    )
    assert (comparison.metrics["f1@0.5"].value or 0) >= 0.88


# bioimageio.spec 0.5.14 leaves the files that it checks for the garbage collector to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_package_is_valid() -> None:
    spec = pytest.importorskip("bioimageio.spec")
    description = spec.load_model_description(PACKAGE / "bioimageio.yaml", perform_io_checks=True)
    assert description.license == "CC0-1.0"
    assert description.inputs[0].preprocessing[1].kwargs.max_percentile == 99.8


def test_the_package_is_whole_and_small() -> None:
    content = yaml.safe_load((PACKAGE / "bioimageio.yaml").read_text())
    listed = [
        content["weights"]["onnx"],
        content["inputs"][0]["test_tensor"],
        content["outputs"][0]["test_tensor"],
    ]
    for item in listed:
        assert hashlib.sha256((PACKAGE / item["source"]).read_bytes()).hexdigest() == item["sha256"]
    assert (PACKAGE / "weights.onnx").stat().st_size <= 6_000_000
    assert sum((PACKAGE / f"test_{end}put.npy").stat().st_size for end in ("in", "out")) < 1_000_000
    training = content["config"]["veriscope"]["training"]
    assert {"data", "seed", "minutes", "steps", "n_images"} <= training.keys()


def test_importing_and_making_the_method_is_cheap() -> None:
    code = (
        "import sys\n"
        "from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence\n"
        "NucleiFluorescence()\n"
        "print([name for name in ('torch', 'onnxruntime', 'skimage') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("diameter", [None, 14.0, 60.0])
def test_results_are_those_of_before_there_were_other_networks(diameter: float | None) -> None:
    """Stored by the code of version 0.1.0, at the scale of the image, enlarged, and reduced."""
    stored = np.load(Path(__file__).with_name("nuclei_before.npz"))
    raw = np.load(PACKAGE / "test_input.npy")[0, 0]
    method = NucleiFluorescence(NucleiFluorescence.Parameters(diameter=diameter, engine="onnxruntime"))
    found = method.predict(Image(raw, "yx"))
    # Another processor may round a pixel to the other side of a threshold.
    assert (found.labels != stored[f"labels_{diameter}"]).mean() < 1e-4
    np.testing.assert_allclose(found.probabilities, stored[f"probabilities_{diameter}"], atol=1e-3)
