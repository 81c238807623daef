"""Packages are added whole and verified, or not at all; what was added is a method."""

from __future__ import annotations

import errno
import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, MethodError, PixelValueError, UnreadableFileError
from veriscope.io.labels import read_labels
from veriscope.predict.image import predict_image
from veriscope.registry import get_method, make_method
from veriscope.testing.methods import check_method
from veriscope.zoo.add import add_model, remove_model
from veriscope.zoo.cache import installed_names

from .conftest import Package, blobs, onnx_bytes, pack_header, sha256


def left(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*")] if cache.exists() else []


@pytest.mark.parametrize("version", ["0.4.9", "0.4.0", "0.5.0", "0.5.9"])
def test_a_package_becomes_a_method_that_keeps_the_contract(
    package: Package, cache: Path, version: str
) -> None:
    def any_brightness(content: dict[str, Any]) -> None:
        tensor = content["inputs"][0]
        tensor |= {"data_type": "float32"} if version.startswith("0.4") else {"data": {"type": "float32"}}

    found = add_model(str(package(version, change=any_brightness)), name="Mean blobs")
    assert found["name"] == "zoo:mean-blobs"
    tested = found["states"]["output_reproduced"]
    assert tested["status"] == "yes"
    (test,) = tested["tests"]
    assert (test["n_values"], test["n_mismatches"]) == (64 * 80, 0)
    assert (test["absolute_tolerance"], test["relative_tolerance"]) == (1e-3, 1e-3)
    assert test["in_tiles"]["n_mismatches"] == 0
    assert found["states"]["works_on_your_data"]["status"] == "unknown"
    method = make_method("zoo:mean-blobs")
    assert method.card.licence == "CC0-1.0"
    assert method.card.objects == ("nucleus",)
    assert method.card.citation == "Nobody 1900 10.1000/1"
    result = method.predict(Image(blobs(), "yx"))
    assert result.n_objects == 6
    check_method(method, image=Image(blobs(), "yx"))
    assert method.describe()["weights_sha256"] == found["files"]["weights.onnx"]


def test_states_differ_and_are_recorded(package: Package, cache: Path) -> None:
    add_model(str(package()))
    record = json.loads((cache / "models" / "bouncy-blob" / "record.json").read_text())
    assert set(record["states"]) == {"format_valid", "output_reproduced", "works_on_your_data"}
    assert sorted(record["files"]) == ["bioimageio.yaml", "in.npy", "out.npy", "weights.onnx"]
    assert installed_names() == ("zoo:bouncy-blob",)
    remove_model("zoo:bouncy-blob")
    assert installed_names() == ()
    with pytest.raises(MethodError, match="no model package named 'zoo:bouncy-blob'; added are: none"):
        get_method("zoo:bouncy-blob")


def test_a_zip_archive_is_added_too(package: Package, cache: Path, tmp_path: Path) -> None:
    folder = package()
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert add_model(str(tmp_path / "p.zip"))["name"] == "zoo:bouncy-blob"


def test_a_package_runs_from_its_path_and_in_another_process(package: Package, cache: Path) -> None:
    method = make_method(str(package()))
    assert method.name == "zoo:bouncy-blob"
    assert method.describe()["package"]["states"]["output_reproduced"]["status"] == "not tested"
    again = pickle.loads(pickle.dumps(method))
    image = Image(blobs(), "yx")
    assert np.array_equal(again.predict(image).labels, method.predict(image).labels)


@pytest.mark.parametrize("shape", [(1, 1), (16, 17), (5, 100), (130, 70), (300, 41)])
def test_tiles_change_no_pixel(package: Package, cache: Path, shape: tuple[int, int]) -> None:
    folder = str(package())
    image = Image(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8), "yx")
    whole = make_method(folder, {"tile": 4096}).outputs(image)["mean"]  # type: ignore[attr-defined]
    tiled = make_method(folder, {"tile": 24}).outputs(image)["mean"]  # type: ignore[attr-defined]
    inner = (..., slice(0, max(0, shape[0] - 2)), slice(0, max(0, shape[1] - 2)))
    assert whole.shape == tiled.shape == (1, 1, *shape)
    np.testing.assert_allclose(tiled[inner], whole[inner], atol=1e-6)


def test_an_image_is_brought_to_the_pixel_size_of_the_card(package: Package, cache: Path) -> None:
    def micrometres(content: dict[str, Any]) -> None:
        for axis in (*content["inputs"][0]["axes"][2:], *content["outputs"][0]["axes"][2:]):
            axis |= {"unit": "nanometer", "scale": 500.0}

    method = make_method(str(package(change=micrometres)))
    fine = blobs((128, 160)).repeat(2, 0).repeat(2, 1)
    seen = method.predict(Image(fine, "yx", {"y": 0.25, "x": 0.25}))
    assert seen.details["rescaled"] == {"y": 0.5, "x": 0.5}
    assert seen.labels.shape == fine.shape
    assert seen.n_objects == method.predict(Image(blobs((128, 160)), "yx")).n_objects
    areas = np.bincount(seen.labels.ravel())[1:]
    assert 450 < np.median(areas) < 750, "squares of 24 pixels"
    assert method.predict(Image(fine, "yx")).details["rescaled"] is False
    assert method.predict(Image(fine, "yx", {"y": 0.5, "x": 0.505})).details["rescaled"] is False


def test_channels_and_types_that_do_not_fit_are_refused(package: Package, cache: Path) -> None:
    method = make_method(str(package()))
    with pytest.raises(AxesError, match="takes one channel and the image has 3"):
        method.predict(Image(np.zeros((3, 40, 40), np.uint8), "cyx"))
    with pytest.raises(PixelValueError, match=r"uint8 \(0 to 255\) and the image has uint16 from 0 to 4095"):
        method.predict(Image(np.arange(0, 4096, dtype=np.uint16).reshape(64, 64), "yx"))
    method.predict(Image(blobs().astype(np.uint16), "yx"))

    def three(content: dict[str, Any]) -> None:
        content["inputs"][0]["axes"][1]["channel_names"] = ["r", "g", "b"]

    several = make_method(str(package(change=three)))
    with pytest.raises(AxesError, match=r"takes 3 channels \(r, g, b\) and the image has 1"):
        several.predict(Image(blobs(), "yx"))


def test_which_channel_holds_the_objects_is_asked_not_guessed(package: Package, cache: Path) -> None:
    def two(content: dict[str, Any]) -> None:
        content["outputs"][0]["axes"][1]["channel_names"] = ["first", "second"]

    folder = str(package(change=two))
    with pytest.raises(MethodError, match=r"which channel of output 'mean'.*0 \(first\), 1 \(second\)"):
        make_method(folder)
    assert make_method(folder, {"foreground": "first"}).name
    with pytest.raises(MethodError, match="there is no channel 'third'; the channels are first, second"):
        make_method(folder, {"foreground": "third"})


def bad_hash(folder: Path) -> None:
    (folder / "weights.onnx").write_bytes(onnx_bytes() + b"\0")


def truncated(folder: Path) -> None:
    _reweigh(folder, onnx_bytes()[:-40])


def no_weights(folder: Path) -> None:
    (folder / "weights.onnx").unlink()


def opset(folder: Path) -> None:
    _reweigh(folder, onnx_bytes(opset=999))


def operator(folder: Path) -> None:
    _reweigh(folder, onnx_bytes(operator="SecretOperator"))


def no_tensors(folder: Path) -> None:
    (folder / "out.npy").unlink()


def other_output(folder: Path) -> None:
    np.save(folder / "out.npy", np.zeros((1, 1, 64, 80), np.float32))


def other_shape(folder: Path) -> None:
    np.save(folder / "out.npy", np.zeros((1, 1, 64, 81), np.float32))


def pickled(folder: Path) -> None:
    np.save(folder / "in.npy", np.array([{"a": 1}], object), allow_pickle=True)


def giant(folder: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 99999999, 99999999)}"
    (folder / "in.npy").write_bytes(pack_header(header, b"\0" * 16))


def not_numpy(folder: Path) -> None:
    (folder / "in.npy").write_bytes(b"no array")


def version(folder: Path) -> None:
    _rewrite(folder, "0.5.3", "0.9.0")


def untyped(folder: Path) -> None:
    _rewrite(folder, "type: model\n", "")


def dataset(folder: Path) -> None:
    _rewrite(folder, "type: model", "type: dataset")


def no_axes(folder: Path) -> None:
    _rewrite(folder, "type: channel", "type: flavour")


def _rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "bioimageio.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _reweigh(folder: Path, content: bytes) -> None:
    import hashlib

    old = hashlib.sha256((folder / "weights.onnx").read_bytes()).hexdigest()
    (folder / "weights.onnx").write_bytes(content)
    _rewrite(folder, old, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (bad_hash, r"weights\.onnx: has SHA-256 \w{64}, and bioimageio\.yaml says \w{64}"),
        (truncated, r"cannot load it: .*; the file is damaged, cut short or no ONNX; get the package anew$"),
        (no_weights, r"none of its weights is in the package: weights\.onnx \(onnx\)"),
        (
            opset,
            r"here: onnx: weights\.onnx: .* of opset 999, which is newer .*; update it \(pip install -U onnx",
        ),
        (operator, r"operators that are not part of ONNX; ask the authors for weights without them$"),
        (no_tensors, r"could not be compared with those of its test tensors: .*out\.npy: is missing"),
        (other_output, r"outputs are not those of its test tensors: onnx mean: \d+ of 5120 values differ"),
        (other_shape, r"the output has shape \(1, 1, 64, 80\), its test tensor \(1, 1, 64, 81\)"),
        (pickled, r"holds values of type object, not numbers"),
        (giant, r"its header promises shape \(1, 1, 99999999, 99999999\)"),
        (not_numpy, r"in\.npy: is no NumPy array"),
        (version, r"has format version '0\.9\.0'; readable are 0\.4 and 0\.5"),
        (dataset, r"describes a 'dataset', not a model"),
        (untyped, r"says not what it describes; give a model package"),
        (no_axes, r"name: Input should be 'batch', 'channel'"),
    ],
)
def test_what_is_broken_is_named_and_nothing_is_kept(
    package: Package, cache: Path, spoil: Any, message: str
) -> None:
    folder = package()
    spoil(folder)
    with pytest.raises((InputError, MethodError), match=message):
        add_model(str(folder))
    assert [name for name in left(cache) if name != "models"] == []


def archived(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return path


def test_messages_name_files_where_the_user_has_them(package: Package, cache: Path, tmp_path: Path) -> None:
    """Never a folder that is gone when the message is read."""
    folder = package()
    giant(folder)
    for source in (folder, archived(folder, tmp_path / "p.zip")):
        with pytest.raises(MethodError, match="its header promises") as caught:
            add_model(str(source))
        assert f"{source}/in.npy: its header" in str(caught.value)
        assert ".tmp-" not in str(caught.value) and "veriscope-model-" not in str(caught.value)
    version(folder)
    with pytest.raises(UnreadableFileError, match=r"q\.zip/bioimageio\.yaml: has format version"):
        add_model(str(archived(folder, tmp_path / "q.zip")))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme.txt").write_text("x")
    with pytest.raises(UnreadableFileError, match=r"r\.zip: has no bioimageio\.yaml"):
        add_model(str(archived(tmp_path / "other", tmp_path / "r.zip")))


def test_the_code_to_read_lies_where_the_message_says(package: Package, cache: Path) -> None:
    code = b"def run(): return lambda x: x\n"

    def custom(content: dict[str, Any]) -> None:
        own = {"id": "custom", "callable": "run", "source": "own.py", "sha256": sha256(code)}
        content["outputs"][0]["postprocessing"] = [own]

    folder = package(change=custom)
    (folder / "own.py").write_bytes(code)
    with pytest.raises(MethodError, match=r"does not run here: .* Read .* first") as caught:
        add_model(str(folder))
    named = str(caught.value).split("Read ")[1].split(" first")[0]
    assert Path(named).read_bytes() == code
    assert "--anyway" not in str(caught.value), "consent is what is missing"


def test_anyway_is_offered_only_where_the_package_runs(package: Package, cache: Path) -> None:
    folder = package()
    other_output(folder)
    with pytest.raises(MethodError, match=r"To keep it all the same, give --anyway$"):
        add_model(str(folder))
    truncated(folder)
    with pytest.raises(MethodError, match="does not run here") as caught:
        add_model(str(folder))
    assert "--anyway" not in str(caught.value)


def test_what_is_neither_here_nor_in_the_zoo(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_ZOO", "http://127.0.0.1:9/artifacts")
    with pytest.raises(
        UnreadableFileError, match="nuclei: is no file or folder here, and as a nickname of the zoo: http"
    ):
        add_model("nuclei")


def test_a_package_without_proof_is_kept_only_on_request(package: Package, cache: Path) -> None:
    folder = package()
    no_tensors(folder)
    found = add_model(str(folder), anyway=True)
    assert found["states"]["output_reproduced"]["status"] == "not tested"


def test_a_file_that_was_changed_after_it_was_verified_is_refused(package: Package, cache: Path) -> None:
    add_model(str(package()))
    (cache / "models" / "bouncy-blob" / "package" / "weights.onnx").write_bytes(onnx_bytes(opset=18))
    with pytest.raises(MethodError, match=r"weights\.onnx was changed after it was verified"):
        make_method("zoo:bouncy-blob")


def test_another_package_of_the_same_name_is_refused(package: Package, cache: Path) -> None:
    add_model(str(package()))
    add_model(str(package()))
    other = package(name="other", change=lambda content: content.update(description="Another."))
    with pytest.raises(MethodError, match="another package named zoo:bouncy-blob was added before"):
        add_model(str(other))
    assert add_model(str(other), name="second")["name"] == "zoo:second"


def test_a_model_larger_than_the_memory_is_refused(
    package: Package, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 100}
    monkeypatch.setattr("os.sysconf", lambda name: sizes[name])
    with pytest.raises(MethodError, match=r"about three times as much; this computer has 0\.0 GB of memory"):
        add_model(str(package()))
    sizes["SC_PHYS_PAGES"] = 8 << 30

    def greedy(content: dict[str, Any]) -> None:
        content["config"] = {"bioimageio": {"memory_requirements_inference": "30 GB"}}

    with pytest.raises(MethodError, match=r"needs 30 GB, and this computer has 8\.0 GB of memory"):
        add_model(str(package(change=greedy)))


def test_a_full_disk_leaves_nothing(package: Package, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: Path) -> None:
        Path(target).write_bytes(b"half")
        # as shutil does it: the source comes first, although there is nothing wrong with it
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr("veriscope.zoo.add.shutil.copyfile", full)
    with pytest.raises(InputError, match="the disk is full; free some space"):
        add_model(str(package()))
    assert [name for name in left(cache) if name != "models"] == []


def test_two_images_at_once_cannot_be_given(package: Package, cache: Path) -> None:
    def prompts(content: dict[str, Any]) -> None:
        content["inputs"].append(json.loads(json.dumps(content["inputs"][0])) | {"id": "points"})

    with pytest.raises(MethodError, match=r"takes 2 tensors \(image, points\)"):
        add_model(str(package(change=prompts)))


def test_a_path_that_is_not_there(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"nowhere: does not exist"):
        add_model(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFileError, match=r"empty: has no bioimageio\.yaml or rdf\.yaml"):
        add_model(str(tmp_path / "empty"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["bioimageio.yaml", "v0_4_9.bioimageio.yaml", "v0_4_0.bioimageio.yaml"])
def test_the_real_package_is_reproduced(data_dir: Path, cache: Path, name: str, tmp_path: Path) -> None:
    source = data_dir / "zoo" / "unet2d_nuclei_broad"
    for file in (name, "weights.onnx", "test_input.npy", "test_output.npy"):
        shutil.copyfile(source / file, tmp_path / file)
    found = add_model(str(tmp_path / name), name="unet")
    (test,) = found["states"]["output_reproduced"]["tests"]
    assert (test["weights"], test["n_values"], test["n_mismatches"]) == ("onnx", 512 * 512, 0)
    assert test["max_difference"] < 1e-5
    image = np.load(source / "test_input.npy")[0, 0]
    method = make_method("zoo:unet")
    whole = method.predict(Image(image, "yx"))
    assert 60 < whole.n_objects < 90
    assert method.predict(Image(image[:300, :211], "yx")).labels.shape == (300, 211)


@pytest.mark.real_data
def test_the_invalid_real_description_is_refused(data_dir: Path, cache: Path) -> None:
    source = data_dir / "zoo" / "unet2d_nuclei_broad"
    with pytest.raises(UnreadableFileError, match="several tensors are named data"):
        add_model(str(source / "invalid_v0_4_0_duplicate_tensor_names.bioimageio.yaml"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["bioimageio.yaml", "v0_4_9.bioimageio.yaml"])
def test_the_size_that_a_real_card_fixes_is_given_up_without_a_trace(data_dir: Path, name: str) -> None:
    source = data_dir / "zoo" / "unet2d_nuclei_broad"
    field = np.load(source / "test_input.npy")[0, 0]
    image = Image(np.ascontiguousarray(np.tile(field, (2, 2))[:701, :813], np.float32), "yx")

    def outputs(image: Image, **options: Any) -> Any:
        method = make_method(str(source / name), {"foreground": 0} | options)
        (found,) = method.outputs(image).values()  # type: ignore[attr-defined]
        return method, found[0, 0]

    method, whole = outputs(image)
    assert method.describe()["sizes"] == "any, by its operations"
    assert [axis.halo for axis in method.described.outputs[0].spatial] == [79, 79]
    assert [cut.length for cut in method._cuts(image.shape)] == [704, 816]
    _, tiles = outputs(image, tile=520)
    np.testing.assert_allclose(tiles, whole, atol=1e-6)
    fixed_method, fixed = outputs(image, fixed_size=True)
    assert "sizes" not in fixed_method.describe()
    assert [cut.length for cut in fixed_method._cuts(image.shape)] == [512, 512]
    difference = abs(fixed - whole)
    assert np.median(difference) < 1e-6 and difference.max() > 0.01, "tiles that the card fixes leave seams"
    part = Image(image.pixels[:300, :211].copy(), "yx")
    _, small = outputs(part)
    np.testing.assert_array_equal(small, outputs(part, fixed_size=True)[1])


@pytest.mark.real_data
def test_parts_of_an_image_give_what_the_whole_gives_where_a_size_was_given_up(
    data_dir: Path, tmp_path: Path
) -> None:
    source = data_dir / "zoo" / "unet2d_nuclei_broad"
    field = np.load(source / "test_input.npy")[0, 0].astype(np.float32)
    tifffile.imwrite(tmp_path / "image.tif", np.tile(field, (1, 3)))
    method = make_method(str(source / "bioimageio.yaml"), {"tile": 512})
    predict_image(method, tmp_path / "image.tif", tmp_path / "parts.ome.zarr", tile=700)
    whole = method.predict(Image(np.tile(field, (1, 3)), "yx")).labels
    np.testing.assert_array_equal(read_labels(tmp_path / "parts.ome.zarr"), whole)
