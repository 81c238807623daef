"""Work of a run that stopped is taken up by the same run and by no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.image import predict_image
from veriscope.predict.plan import Plan
from veriscope.predict.reading import Reading
from veriscope.predict.unfinished import Unfinished, found_before, origin_of, record_path
from veriscope.predict.units import HereExecutor, Work
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

OTSU = make_method("otsu-watershed")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return written(tmp_path / "in" / "a.ome.zarr", 1)


def written(path: Path, gain: float, *, times: int | None = None) -> Path:
    """Discs 9 pixels wide, as bright as asked for."""
    pixels = discs_image((100, 120), diameter=9).pixels * np.float32(gain)
    many = pixels if times is None else np.stack([pixels * (1 + moment) for moment in range(times)])
    write_ome_zarr(path, Image(many, "yx" if times is None else "tyx"))
    return path


class StopsAfterSurveys(HereExecutor):
    """Ends the run, as Ctrl-C does, when the first part is to be predicted."""

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        if type(work).__name__ == "TileWork":
            raise KeyboardInterrupt
        yield from super().run(work, units)


def stop_before_the_plan(monkeypatch: pytest.MonkeyPatch, *arguments: Any, **options: Any) -> None:
    """Run as far as the surveys, and not to the plan of the parts."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("veriscope.predict.all_parts.plan_parts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            predict_image(*arguments, **options)


def test_a_survey_of_another_image_is_not_taken(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be: the threshold of the image before found one object instead of all in the next."""
    out = tmp_path / "o.ome.zarr"
    stop_before_the_plan(monkeypatch, OTSU, image, out)
    brighter = written(tmp_path / "in" / "b.ome.zarr", 1000)
    found = predict_image(OTSU, brighter, out)
    alone = predict_image(OTSU, brighter, tmp_path / "alone" / "o.ome.zarr")
    assert found["n_objects"] == alone["n_objects"] > 40
    assert found["survey"] == alone["survey"]
    assert sha256_of(out) == sha256_of(alone["labels"])


def test_options_changed_after_a_refusal_count(image: Path, tmp_path: Path) -> None:
    """The refusal itself advises a smaller diameter; the run then went on with the larger one."""
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(InputError, match=r"--tile: parts of 1 pixels need .* or a smaller diameter"):
        predict_image(make_method("log-spots", {"diameter": 20}), image, out, tile=1)
    small = make_method("log-spots", {"diameter": 9})
    found = predict_image(small, image, out)
    assert found["survey"]["diameter"] == 9
    whole = predict_image(small, image, tmp_path / "whole" / "o.ome.zarr")
    assert sha256_of(out) == sha256_of(whole["labels"])


@pytest.mark.parametrize("times", [None, 3])
def test_surveys_of_the_same_run_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int | None
) -> None:
    image = written(tmp_path / "in" / "a.ome.zarr", 1, times=times)
    out, survey, calls = tmp_path / "o.ome.zarr", type(OTSU).survey, []  # type: ignore[attr-defined]

    def counted(self: LocalMethod, source: Any) -> Any:
        calls.append(source.name)
        return survey(self, source)

    monkeypatch.setattr(type(OTSU), "survey", counted)
    stop_before_the_plan(monkeypatch, OTSU, image, out)
    assert len(calls) == (times or 1)
    found = predict_image(OTSU, image, out)
    assert len(calls) == (times or 1)
    assert len(found["surveys"] if times else [found["survey"]]) == (times or 1)


def test_parts_of_another_run_are_never_taken_and_never_removed(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict_image(OTSU, image, out, executor=StopsAfterSurveys())
    folder = tmp_path / "o.ome.zarr.part"
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as error:
        predict_image(make_method("log-spots"), image, out)
    assert str(error.value) == (
        f"{folder}: holds an unfinished run of another image, method or option; remove the folder to start "
        "anew"
    )
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert predict_image(OTSU, image, out)["done"]
    assert not folder.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b"{}"])
def test_a_plan_that_cannot_be_read_is_no_plan(image: Path, tmp_path: Path, damage: bytes) -> None:
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict_image(OTSU, image, out, executor=StopsAfterSurveys())
    (tmp_path / "o.ome.zarr.part" / "plan.json").write_bytes(damage)
    found = predict_image(OTSU, image, out, tile=64)
    assert (found["n_parts"], found["n_parts_now"]) == (4, 4)
    assert sha256_of(out) == sha256_of(
        predict_image(OTSU, image, tmp_path / "whole" / "o.ome.zarr")["labels"]
    )


@pytest.mark.parametrize("damage", [b"", b"{", b'{"diameter": "long"}', b"\xff"])
def test_a_damaged_survey_is_made_again(image: Path, tmp_path: Path, damage: bytes) -> None:
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict_image(OTSU, image, out, executor=StopsAfterSurveys())
    (tmp_path / "o.ome.zarr.part" / "surveys" / "00000000.json").write_bytes(damage)
    found = predict_image(OTSU, image, out)
    assert found["survey"] == predict_image(OTSU, image, tmp_path / "w" / "o.ome.zarr")["survey"]


def test_parts_cut_otherwise_are_made_anew_and_a_plan_without_wish_is_kept(
    image: Path, tmp_path: Path
) -> None:
    class StopsAtThird(HereExecutor):
        def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
            for number, result in enumerate(super().run(work, units)):
                if number == 3:
                    raise KeyboardInterrupt
                yield result

    out, options = tmp_path / "o.ome.zarr", {"tile": 32, "executor": StopsAtThird()}
    with pytest.raises(KeyboardInterrupt):
        predict_image(OTSU, image, out, **options)
    parts = Unfinished(out, "").parts
    assert len(list(parts.iterdir())) == 4, "the one that nobody took is written too"
    with pytest.raises(KeyboardInterrupt):
        predict_image(OTSU, image, out, executor=StopsAtThird())
    assert len(list(parts.iterdir())) == 8, "the length of the parts is that of the run before"
    found = predict_image(OTSU, image, out, tile=48)
    assert (found["tile"], found["n_parts"], found["n_parts_now"]) == ([48, 48], 9, 9)


def test_what_a_result_depends_on_and_nothing_else(image: Path, tmp_path: Path) -> None:
    def key(method: Any = OTSU, source: Path = image, schema: str = "s", **reading: Any) -> str:
        found: str = origin_of(method, source, Reading(**reading), schema=schema)["key"]
        return found

    copied = shutil.copytree(image, tmp_path / "elsewhere" / "z.ome.zarr")
    same = [key(), key(), key(source=copied), key(skip_bad=True), key(make_method("otsu-watershed", {}))]
    assert len(set(same)) == 1, "the name of the file and what is left out do not matter"
    other = [
        key(make_method("otsu-watershed", {"diameter": 9})),
        key(make_method("log-spots")),
        key(source=written(tmp_path / "b.ome.zarr", 2)),
        key(spacing={"y": 0.5, "x": 0.5}),
        key(channel="0"),
        key(axes="yx"),
        key(series=1),
        key(schema="t"),
    ]
    assert len({*same, *other}) == 1 + len(other)


def test_a_result_is_known_by_its_origin_alone(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.ome.zarr"
    assert found_before(out, {"key": "a"}) is None
    predict_image(OTSU, image, out)
    origin = origin_of(OTSU, image, Reading(), schema="veriscope/predict-image/1")
    before = found_before(out, origin)
    assert before is not None and before["image"] == "a.ome.zarr"
    with pytest.raises(InputError, match="exists already and was made otherwise"):
        found_before(out, origin | {"key": "a"})
    with pytest.raises(InputError, match="exists already and was not made by this program"):
        found_before(image, origin)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.ome.zarr", "a.record.json"),
        ("a.zarr", "a.record.json"),
        ("a.ome.b.ome.zarr", "a.ome.b.record.json"),
        ("zarr", "zarr.record.json"),
    ],
)
def test_the_record_stands_beside_its_result(name: str, expected: str, tmp_path: Path) -> None:
    assert record_path(tmp_path / name) == tmp_path / expected


def test_clearing_removes_only_what_is_its_own(tmp_path: Path) -> None:
    mine, yours = Unfinished(tmp_path / "o", "mine"), Unfinished(tmp_path / "o", "yours")
    mine.begin()
    mine.settle(Plan((4, 4), None), None)
    yours.clear()
    assert (
        json.loads((mine.folder / "plan.json").read_text()).items() >= {"key": "mine", "tile": [4, 4]}.items()
    )
    assert mine.begin() == (4, 4)
    mine.clear()
    assert not mine.parts.exists()
    mine.clear()


def test_a_folder_of_somebody_else_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "o.part").mkdir()
    (tmp_path / "o.part" / "notes.txt").write_text("mine")
    unfinished = Unfinished(tmp_path / "o", "key")
    assert unfinished.begin() is None
    assert (tmp_path / "o.part" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["o.tif", "o", "o.zarr.tif", "o.ome.zarr.part"])
def test_a_name_that_cannot_be_written_is_refused_before_the_work(
    image: Path, tmp_path: Path, name: str
) -> None:
    """It used to be refused when all parts were predicted, which could not be taken up under another name."""
    with pytest.raises(InputError) as error:
        predict_image(OTSU, image, tmp_path / name)
    assert str(error.value) == (
        f"{tmp_path / name}: is written as OME-Zarr; give it a name that ends in .ome.zarr"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_labels_and_probabilities_need_two_names(image: Path, tmp_path: Path) -> None:
    """This, too, was found out when the work was done, as "it was made while this run was going on"."""
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(InputError) as error:
        predict_image(OTSU, image, out, probabilities=tmp_path / "in" / ".." / "o.ome.zarr")
    assert str(error.value) == f"{out}: is to hold the labels and the probabilities; give two names"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
