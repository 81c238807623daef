"""Classes of images, the way a user goes: train, predict, compare, train further; and what is refused."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from typer.testing import CliRunner, Result

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import (
    InputError,
    MethodError,
    PixelValueError,
    StudyError,
    TableError,
    VeriscopeError,
)
from veriscope.methods.classification import ClassificationMethod
from veriscope.registry import make_method
from veriscope.training.networks.known import find_network
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files

TINY: dict[str, Any] = {
    "head": "classification",
    "widths": (8, 16, 16),
    "batch": 8,
    "rate": 0.01,
    "seed": 1,
    "device": "cpu",
}
NAMES = ("disc", "ring", "stripes")
EACH = 9


def draw(kind: str, seed: int, *, side: int = 40) -> np.ndarray:
    """One object of a kind somewhere in a noisy image."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2 - rng.uniform(-3, 3, (2, 1, 1))
    far = np.hypot(y, x)
    shapes = {"disc": far < 9, "ring": (far > 7) & (far < 11), "stripes": np.sin(y) > 0}
    return rng.poisson(300 + 900.0 * shapes[kind]).astype(np.uint16)


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine images of each of three kinds, and their classes; not to be changed."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "images").mkdir()
    rows = []
    for number, name in enumerate(NAMES * EACH):
        tifffile.imwrite(folder / "images" / f"field{number}.tif", draw(name, number))
        rows.append({"image": f"field{number}.tif", "class": name})
    pd.DataFrame(rows).to_csv(folder / "classes.csv", index=False)
    return folder


def tiny(**options: Any) -> TrainSettings:
    return TrainSettings.parse(TINY | {"steps": 2} | options, where="test")


@pytest.fixture(scope="module")
def trained(kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A network of enough steps to tell the kinds apart."""
    target = tmp_path_factory.mktemp("trained") / "kinds"
    return train_files(
        kinds / "images", kinds / "classes.csv", target, tiny(steps=60, curve=True), objects="shape"
    )


def run(*words: str | Path) -> Result:
    from veriscope.cli.app import app

    return CliRunner().invoke(app, [*map(str, words)])


def refusal(*words: str | Path) -> str:
    """Run a command line that is refused, and give what it says."""
    done = run(*words)
    assert isinstance(done.exception, VeriscopeError), done.output
    return str(done.exception)


def call(*words: str | Path) -> dict[str, Any]:
    """Run a command line, and give the one object that it prints."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_classes_are_learned_and_judged_on_locked_images(trained: dict[str, Any]) -> None:
    assert trained["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    figures = trained["figures"]
    assert list(figures)[:5] == [
        "balanced_accuracy",
        "macro_f1",
        "matthews_correlation",
        "accuracy",
        "brier_score",
    ]
    assert figures["balanced_accuracy"]["value"] >= 2 / 3
    assert figures["brier_score"]["value"] < 2 / 3  # of one third for each class
    assert {f"sensitivity of {name}" for name in NAMES} <= set(figures)
    assert [trained["split"][part]["images"] for part in ("train", "val", "test")] == [21, 3, 3]
    assert trained["learning_curve"]["points"][-1]["images"] == 21
    assert any("calibrated on 3 images" in note for note in trained["notes"])


def test_the_package_says_what_it_cannot_know(trained: dict[str, Any]) -> None:
    content = yaml.safe_load((Path(trained["package"]) / "bioimageio.yaml").read_text())
    (output,) = content["outputs"]
    assert [axis["type"] for axis in output["axes"]] == ["batch", "channel"]
    assert output["axes"][1]["channel_names"] == list(NAMES)
    own = content["config"]["veriscope"]
    assert own["network"]["classes"] == list(NAMES)
    assert own["card"]["limits"][0].startswith("Knows these classes alone")
    assert any(limit.startswith("Probabilities were calibrated on 3") for limit in own["card"]["limits"])
    assert own["card"]["training_data"].endswith("21 images (disc 7, ring 7, stripes 7) of 21 groups")
    assert own["card"]["modalities"] == []
    assert make_method(trained["method"]).card.diameter_px is None
    assert own["training"]["choice"]["temperature"] >= 1 or own["training"]["choice"]["n_wrong"] > 0
    assert content["config"]["bioimageio"]["task"] == "image-classification"
    (evaluation,) = content["config"]["bioimageio"]["evaluations"]
    assert evaluation["metrics_long"][0] == "balanced_accuracy"


def test_predict_writes_the_table_that_compare_reads(
    trained: dict[str, Any], kinds: Path, tmp_path: Path
) -> None:
    added = call("models", "add", trained["package"], "--name", "kinds")
    assert added["states"]["output_reproduced"]["status"] == "yes"
    words = ("predict", "network:kinds", kinds / "images", "-o", tmp_path / "out")
    first = call(*words)
    assert (first["n_images"], first["n_done"]) == (27, 27)
    assert sum(first["n_by_class"].values()) == 27
    table = pd.read_csv(tmp_path / "out" / "classes.csv")
    assert list(table.columns) == ["image", "class", *(f"p_{name}" for name in NAMES)]
    assert list(table["image"]) == [f"field{number}" for number in range(27)]
    stated = table[[f"p_{name}" for name in NAMES]].to_numpy()
    assert np.allclose(stated.sum(1), 1, atol=1e-5)
    assert [NAMES[i] for i in stated.argmax(1)] == list(table["class"])
    judged = call(
        "compare", kinds / "classes.csv", tmp_path / "out", "--task", "classification", "--metric", "accuracy"
    )
    right = table["class"].to_numpy() == np.array(NAMES * EACH)
    assert judged["metrics"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert right.mean() > 0.8
    before = (tmp_path / "out" / "classes.csv").read_bytes()
    assert call(*words)["n_done"] == 0
    assert (tmp_path / "out" / "classes.csv").read_bytes() == before
    said = run(*words, "-q").output
    assert "27 images (0 done now)" in said
    assert "untested: compare with classes of your own" in said


def test_images_of_any_size_are_classified_and_blank_ones_refused(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    method = make_method(trained["method"])
    assert isinstance(method, ClassificationMethod)
    for shape in ((40, 40), (7, 300), (1, 1), (130, 55)):
        pixels = np.random.default_rng(0).poisson(500, shape).astype(np.uint16)
        pixels.flat[0] += 1 if pixels.size > 1 else 0
        image = Image(pixels, "yx")
        if pixels.size == 1:
            with pytest.raises(PixelValueError, match="all pixels are 5"):
                method.classify(image)
        else:
            assert method.classify(image).values.sum() == pytest.approx(1)
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "good.tif", draw("ring", 99))
    tifffile.imwrite(tmp_path / "images" / "blank.tif", np.full((40, 40), 7, np.uint16))
    words = ("predict", trained["method"], tmp_path / "images", "-o", tmp_path / "out")
    assert "blank.tif: all pixels are 7, so there is nothing to tell a class by" in refusal(*words)
    assert not (tmp_path / "out" / "classes.csv").exists()
    found = call(*words, "--skip-bad")
    assert (found["n_images"], len(found["skipped"])) == (1, 1)


def test_colour_is_seen_as_luminance_and_a_copy_gives_the_same(trained: dict[str, Any]) -> None:
    method = make_method(trained["method"])
    assert isinstance(method, ClassificationMethod)
    pixels = draw("disc", 5)
    grey = method.classify(Image(pixels, "yx"))
    again = pickle.loads(pickle.dumps(method)).classify(Image(pixels, "yx"))
    assert np.array_equal(grey.values, again.values)
    with pytest.raises(InputError, match="takes one channel"):
        method.classify(Image(np.stack([pixels] * 3), "cyx", channels=RGB_CHANNELS))
    with pytest.raises(MethodError, match="gives the class of an image, not objects"):
        method.predict(Image(pixels, "yx"))


@pytest.mark.parametrize("option", [("--tile", "64"), ("--memory", "1GB"), ("--probabilities",)])
def test_options_without_effect_are_refused(
    trained: dict[str, Any], kinds: Path, tmp_path: Path, option: tuple[str, ...]
) -> None:
    said = refusal("predict", trained["method"], kinds / "images", "-o", tmp_path / "out", *option)
    assert f"on which {option[0]} has no effect" in said
    assert not (tmp_path / "out").exists()


def test_the_zoo_says_where_such_a_network_belongs(
    trained: dict[str, Any], kinds: Path, tmp_path: Path
) -> None:
    described = f"{trained['package']}/bioimageio.yaml"
    said = refusal("predict", described, kinds / "images", "-o", tmp_path / "a")
    assert "runs as network:NAME or network:PATH" in said


def test_a_study_takes_no_classes(trained: dict[str, Any], kinds: Path, tmp_path: Path) -> None:
    from veriscope.workflow.create import NewStudy, create_study

    wanted = NewStudy(images=(str(kinds / "images"),), methods=(trained["method"],), pattern="{group}*")
    with pytest.raises(StudyError, match="gives classes of images, and a study takes methods that find"):
        create_study(tmp_path / "study", wanted)


def test_training_further_keeps_the_lock_and_is_compared_with_the_start(
    trained: dict[str, Any], kinds: Path, tmp_path: Path
) -> None:
    given = {key: value for key, value in TINY.items() if key not in ("widths", "head")}
    options = given | {"start": trained["package"], "tune": "head", "rate": 1e-6, "steps": 1, "seed": 5}
    found = train_files(
        kinds / "images",
        kinds / "classes.csv",
        tmp_path / "tuned",
        TrainSettings.parse(options, where="test"),
    )
    assert found["head"] == "classification"
    assert found["comparison"]["metric"] == "balanced_accuracy"
    assert found["comparison"]["difference"]["value"] == pytest.approx(0)
    assert found["recommended"] == "start"
    card = yaml.safe_load((tmp_path / "tuned" / "bioimageio.yaml").read_text())["config"]["veriscope"]["card"]
    assert "stays recommended" in card["limits"][0]
    before, after = find_network(trained["package"]), find_network(str(tmp_path / "tuned"))
    assert set(before.hashes("test")) == set(after.hashes("test"))


def test_a_network_for_pixels_is_no_start_for_classes(kinds: Path, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="networks for pixels and for classes of images have no weights"):
        train_files(
            kinds / "images",
            kinds / "classes.csv",
            tmp_path / "out",
            TrainSettings.parse(
                {"head": "classification", "start": "nuclei-fluorescence", "steps": 1, "device": "cpu"},
                where="test",
            ),
        )


def one_class(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{"class": "disc"})


def own_classes(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{"class": [f"c{i}" for i in range(len(table))]})


def fewer(table: pd.DataFrame) -> pd.DataFrame:
    return table[2:]


def more(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame({"image": ["elsewhere"], "class": ["disc"]})])


def others(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(image=[f"other{i}" for i in range(len(table))])


def twice(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table[:1]])


def blank(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{"class": ["", *table["class"][1:]]})


def only_probabilities(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"image": table["image"], "p_disc": 0.5, "p_ring": 0.5})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (one_class, "all 27 images are of class disc; a network can only tell classes apart"),
        (own_classes, "each of the 27 images has a class of its own, such as c0, c1, c2"),
        (fewer, "2 images have no row in it: give their classes, or take the images away"),
        (more, "1 images of its rows are not there: add them, or remove the rows"),
        (others, "no image has a row in it"),
        (twice, "field0 come more than once"),
        (blank, "1 image has no class, the first in row 2"),
        (only_probabilities, "has probabilities and no column class"),
    ],
)
def test_tables_that_teach_nothing_are_refused(
    kinds: Path, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    change(pd.read_csv(kinds / "classes.csv")).to_csv(tmp_path / "classes.csv", index=False)
    with pytest.raises(TableError, match=message):
        train_files(kinds / "images", tmp_path / "classes.csv", tmp_path / "out", tiny())
    assert not list(tmp_path.glob("out*"))


def test_label_images_are_no_table_of_classes(kinds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="from a table \\(CSV\\) with the columns image and class"):
        train_files(kinds / "images", kinds / "images", tmp_path / "out", tiny())


def test_blank_images_and_one_group_are_refused(kinds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(kinds, folder)
    with pytest.raises(InputError, match="27 images of 1 group cannot be parted"):
        train_files(folder / "images", folder / "classes.csv", tmp_path / "out", tiny(), group_by="{group}d*")
    for number in range(27):
        path = folder / "images" / f"field{number}.tif"
        tifffile.imwrite(path, np.full((40, 40), number, np.uint16))
    with pytest.raises(PixelValueError, match="there is nothing to tell it by"):
        train_files(folder / "images", folder / "classes.csv", tmp_path / "out", tiny())


def test_a_class_that_a_part_lacks_is_said_and_one_that_cannot_be_learned_refused(
    kinds: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(kinds / "classes.csv")
    names = table["class"].to_numpy()
    part = np.array(["train"] * 15 + ["val"] * 6 + ["test"] * 6)
    part[(names == "ring") & (part == "val")] = "train"
    split = pd.DataFrame({"stem": [f"field{i}" for i in range(27)], "split": part})
    split.to_csv(tmp_path / "split.csv", index=False)
    said: list[str] = []
    folders = kinds / "images", kinds / "classes.csv"
    train_files(*folders, tmp_path / "out", tiny(), split=tmp_path / "split.csv", say=said.append)
    assert "class ring is in none of the images to choose by: nothing is known of it there" in said
    part[names == "ring"] = "test"
    split.assign(split=part).to_csv(tmp_path / "split.csv", index=False)
    with pytest.raises(InputError, match="class ring is in none of the images to learn from"):
        train_files(*folders, tmp_path / "more", tiny(), split=tmp_path / "split.csv")


def test_an_unknown_head_is_refused_before_any_image_is_read(tmp_path: Path) -> None:
    done = run("train", tmp_path / "none", tmp_path / "none", "-o", tmp_path / "out", "--head", "heart")
    assert done.exit_code == 2
    assert "'flow', 'star', 'distance'" in done.output.replace("\n", " ")
    with pytest.raises(InputError, match="head: Input should be 'flow', 'star'"):
        TrainSettings.parse({"head": "heart"}, where="test")


def test_unlabelled_images_do_not_go_with_classes(kinds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--unlabelled goes with heads that say something of every pixel"):
        train_files(
            kinds / "images", kinds / "classes.csv", tmp_path / "out", tiny(), unlabelled=kinds / "images"
        )
