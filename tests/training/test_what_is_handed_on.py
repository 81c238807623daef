"""From files to the images of a training: read, grouped and parted, before anything is learned."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

from veriscope.errors import InputError
from veriscope.training import supervised
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.images.split import Split
from veriscope.training.job import TrainingImages, train_network
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files

NAMES = [f"m{mouse}_f{field}" for mouse in range(4) for field in range(2)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Eight images of four mice, each with two objects; all pixels differ."""
    for number, name in enumerate(NAMES):
        write(tmp_path, name, number)
    return tmp_path


def write(folder: Path, name: str, number: int) -> None:
    labels = np.zeros((16, 20), np.uint16)
    labels[2:6, 2:6], labels[8:14, 10:18] = 1, 2
    for kind, pixels in (("images", (number + 100 * labels).astype(np.uint16)), ("labels", labels)):
        (folder / kind).mkdir(exist_ok=True)
        tifffile.imwrite(folder / kind / f"{name}.tif", pixels)


class Taken(Exception):
    """Raised where a training would begin."""


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each training was given."""
    found: list[Any] = []

    def train(data: TrainingImages, output: Path, settings: TrainSettings, **options: Any) -> None:
        found.append((data, settings, options["start"]))
        raise Taken

    monkeypatch.setattr(supervised, "train_network", train)
    return found


def handed(taken: list[Any], files: Path, settings: TrainSettings | None = None, **options: Any) -> Any:
    labels = options.pop("labels", files / "labels")
    with pytest.raises(Taken):
        train_files(files / "images", labels, files / "out", settings, **options)
    assert not (files / "out").exists()
    return taken[-1]


def parts(split: Split) -> dict[str, list[str]]:
    return {part: [pair.stem for pair in split.of(part)] for part in ("train", "val", "test")}  # type: ignore[arg-type]


def table(files: Path, *rows: str) -> Path:
    path = files / "table.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_by_default_each_image_is_a_field_and_the_seed_draws(files: Path, taken: list[Any]) -> None:
    data, settings, start = handed(taken, files, objects="glomerulus")
    assert (settings, start) == (TrainSettings(), None)
    assert data.split.how == (
        "drawn by group with seed 0; each image was taken for a field of its own (--group-by says otherwise)"
    )
    assert sorted(name for part in parts(data.split).values() for name in part) == NAMES
    assert [len(names) for names in parts(data.split).values()] == [6, 1, 1]
    assert (data.source, data.objects, data.unlabelled, data.notes) == (
        str(files / "images"),
        "glomerulus",
        [],
        [],
    )
    drawn = {
        tuple(parts(handed(taken, files, TrainSettings(seed=seed))[0].split)["test"]) for seed in range(8)
    }
    assert len(drawn) > 2


def test_groups_by_name_stay_together(files: Path, taken: list[Any]) -> None:
    data, _, _ = handed(taken, files, group_by="{group}_*")
    assert data.split.how == "drawn by group with seed 0; groups by the names, {group}_*"
    where = {name: part for part, names in parts(data.split).items() for name in names}
    assert all(where[f"m{mouse}_f0"] == where[f"m{mouse}_f1"] for mouse in range(4))
    assert set(where.values()) == {"train", "val", "test"}


def test_a_sheet_says_the_groups_and_a_split_the_parts(files: Path, taken: list[Any]) -> None:
    rows = [f"{name}.tif,{'old' if name < 'm2' else 'young'},{name[:2]}" for name in NAMES]
    data, _, _ = handed(taken, files, sheet=table(files, "image,group,animal", *rows))
    assert data.split.how.endswith("groups by the column animal")
    assert {pair.group for pair in data.split.train + data.split.val + data.split.test} == {
        "m0",
        "m1",
        "m2",
        "m3",
    }


def test_images_that_a_split_does_not_name_are_left_out(files: Path, taken: list[Any]) -> None:
    rows = ["m0_f0,train", "m0_f1,train", "m2_f0,val", "m3_f1,test"]
    data, _, _ = handed(taken, files, split=table(files, "stem,split", *rows))
    assert parts(data.split) == {"train": ["m0_f0", "m0_f1"], "val": ["m2_f0"], "test": ["m3_f1"]}
    assert data.split.how.startswith("as the split table says; ")


def test_a_split_of_other_images_alone_is_refused(files: Path, taken: list[Any]) -> None:
    with pytest.raises(InputError, match="the split table has no row for 8 of 8 images: m0_f0, m0_f1, "):
        train_files(
            files / "images",
            files / "labels",
            files / "out",
            split=table(files, "stem,split", "x,train", "y,val", "z,test"),
        )
    assert taken == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kind", ["flow", "boxes", "classification"])
def test_names_with_umlauts_are_found_however_table_and_disk_write_them(
    tmp_path: Path, taken: list[Any], form: Any, kind: Any
) -> None:
    other = "NFD" if form == "NFC" else "NFC"
    names = [f"Mäuse{number}" for number in range(6)]
    for number, name in enumerate(names):
        write(tmp_path, unicodedata.normalize(form, name), number)
    written = [unicodedata.normalize(other, name) for name in names]
    parted = table(
        tmp_path,
        "stem,split",
        *(
            f"{name},{('train', 'train', 'train', 'val', 'test', 'test')[i]}"
            for i, name in enumerate(written)
        ),
    )
    labels = tmp_path / "labels"
    if kind == "boxes":
        labels = tmp_path / "boxes.csv"
        labels.write_text("\n".join(["image,xmin,ymin,xmax,ymax", *(f"{name},2,2,6,6" for name in written)]))
    if kind == "classification":
        labels = tmp_path / "classes.csv"
        labels.write_text(
            "\n".join(["image,class", *(f"{name},{'ab'[i % 2]}" for i, name in enumerate(written))])
        )
    data, _, _ = handed(taken, tmp_path, TrainSettings(head=kind), labels=labels, split=parted)
    assert [len(one) for one in parts(data.split).values()] == [3, 1, 2]


def test_images_without_labels_go_along_and_are_all_unknown(files: Path, taken: list[Any]) -> None:
    (files / "more").mkdir()
    tifffile.imwrite(files / "more" / "extra.tif", np.arange(64, dtype=np.uint8).reshape(8, 8))
    data, _, _ = handed(taken, files, unlabelled=files / "more")
    (extra,) = data.unlabelled
    assert (extra.stem, extra.n_objects) == ("extra", 0)
    assert (extra.labels == -1).all()


def start_that_saw(files: Path, train: list[str], test: list[str], **settings: Any) -> str:
    """Write the description of a network that has learned from some images, and was judged on others."""
    hashes = {
        part: [pixel_hash(tifffile.imread(files / "images" / f"{name}.tif")) for name in names]
        for part, names in (("train", train), ("test", test))
    }
    folder = files / "start"
    folder.mkdir()
    (folder / "weights.onnx").write_bytes(b"weights")
    split = {part: {"pixel_sha256": found} for part, found in hashes.items()}
    own = {"network": {"head": "flow"} | settings, "training": {"split": split}}
    (folder / "bioimageio.yaml").write_text(
        yaml.safe_dump(
            {
                "config": {"veriscope": own},
                "weights": {"onnx": {"sha256": hashlib.sha256(b"weights").hexdigest()}},
            }
        )
    )
    return str(folder)


@pytest.mark.parametrize("seed", range(4))
def test_what_a_start_learned_from_does_not_judge_and_what_judged_it_stays_locked(
    files: Path, taken: list[Any], seed: int
) -> None:
    name = start_that_saw(files, NAMES[:4], ["m3_f1"])
    data, _, start = handed(taken, files, TrainSettings(start=name, seed=seed))
    assert start.name == name
    test = parts(data.split)["test"]
    assert "m3_f1" in test and not set(test) & set(NAMES[:4])
    by_mouse, _, _ = handed(taken, files, TrainSettings(start=name, seed=seed), group_by="{group}_*")
    test = parts(by_mouse.split)["test"]
    assert {"m3_f0", "m3_f1"} <= set(test) and not set(test) & set(NAMES[:4])


def test_a_start_gives_its_head_and_a_sheet_leak_is_told(files: Path, taken: list[Any]) -> None:
    name = start_that_saw(files, NAMES[:2], [NAMES[7]], head="distance", architecture="vit")
    _, settings, _ = handed(taken, files, TrainSettings(start=name))
    assert (settings.head, settings.architecture) == ("distance", "vit")
    rows = ["m0_f0,test", "m1_f0,train", "m2_f0,val", "m3_f1,train"]
    with pytest.raises(InputError) as error:
        handed(taken, files, TrainSettings(start=name), split=table(files, "stem,split", *rows))
    assert str(error.value).splitlines()[1:-1] == [
        "  - m0_f0 (test): the start has learned from it, so it cannot judge it",
        "  - m3_f1 (train): locked when the start was trained, so test",
    ]


def test_a_place_that_is_taken_is_refused_before_the_start_is_looked_for(files: Path) -> None:
    (files / "out").mkdir()
    with pytest.raises(InputError, match=r"out: exists and is no package of a network; choose another -o$"):
        train_files(files / "none", files / "none", files / "out", TrainSettings(start="nothing"))


def part_of(*objects: int) -> tuple[LabelledImage, ...]:
    """Images of so many objects each."""
    from veriscope.core.image import Image

    found = []
    for number, n in enumerate(objects):
        labels = np.zeros((4, 8), np.int32)
        labels[0, :n] = range(1, n + 1)
        found.append(
            LabelledImage(f"p{number}", Image(labels.astype(np.uint8), "yx"), labels, f"p{number}", "")
        )
    return tuple(found)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            ((), (2,), (2,)),
            "there is no image to learn from (train); give more images, or another --split",
        ),
        (((2,), (), (2,)), "there is no image to choose by (val); give more images, or another --split"),
        (
            ((2,), (2,), ()),
            "there is no image to judge by, which stay locked (test); give more images, or another --split",
        ),
        (
            ((0, 0), (2,), (2,)),
            "no object is annotated in the 2 images to learn from (train) (p0, p1): their labels are all "
            "background; annotate some objects there, or give another --split",
        ),
        (
            ((2,), (0,) * 7, (2,)),
            "no object is annotated in the 7 images to choose by (val) (p0, p1, p2, p3, p4…): their labels "
            "are all background; annotate some objects there, or give another --split",
        ),
    ],
)
def test_a_part_without_images_or_objects_is_refused_before_anything_is_made(
    tmp_path: Path, split: tuple[tuple[int, ...], ...], message: str
) -> None:
    data = TrainingImages(Split(*(part_of(*one) for one in split), "by hand"))
    with pytest.raises(InputError) as error:
        train_network(data, tmp_path / "out", TrainSettings(steps=1))
    assert str(error.value) == message
    assert not list(tmp_path.iterdir())


def test_a_licence_without_a_name_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    data = TrainingImages(Split(part_of(2), part_of(2), part_of(2), "by hand"))
    with pytest.raises(InputError, match=r"^--licence 'ask me' is no name of a licence by SPDX; write one "):
        train_network(data, tmp_path / "out", TrainSettings(steps=1, licence="ask me"))
    assert not list(tmp_path.iterdir())
