"""What verbs print of plain values: every number with its unit, what did not go well, and what to do next."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veriscope.cli.audit_verbs import _show as show_audit
from veriscope.cli.classification import classify, show_classes
from veriscope.cli.new_study import show_new
from veriscope.cli.objects import find_objects, show_objects
from veriscope.cli.output import number, span, tell_notes
from veriscope.cli.restoration import restore, show_restored
from veriscope.cli.study_verbs import show_estimate, show_verdict
from veriscope.errors import InputError
from veriscope.methods.classification import ClassificationMethod
from veriscope.methods.restoration import RestorationMethod

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


UNTESTED = "untested: compare with references of your own (veriscope compare)"


def test_objects_of_a_folder_are_counted_with_what_was_done_now(capsys: Captured) -> None:
    show_objects({"images": [{}], "n_objects": 31, "n_images": 4, "n_done": 1, "output": "out[1]"})
    assert capsys.readouterr().out.splitlines() == [
        "31 objects in 4 images (1 done now); labels in out[1]",
        f"{UNTESTED}, or make a study",
    ]


@pytest.mark.parametrize(("work", "told"), [(4.0, False), (4.1, True), (12.6, True)])
def test_much_work_and_little_memory_are_told(capsys: Captured, work: float, told: bool) -> None:
    found = {"n_objects": 5, "labels": "a.ome.zarr", "done": True, "n_cut": 2, "work": work}
    show_objects(found | {"probabilities": "p.ome.zarr"})
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "5 objects; labels in a.ome.zarr",
        "probabilities of pixels in p.ome.zarr",
        f"{UNTESTED}, or make a study",
    ]
    notes = said.err.splitlines()
    assert notes[0] == "memory ran out 2 times; smaller parts did there, to the same result"
    assert notes[1:] == (
        [
            f"every pixel was predicted {work:.0f} times, because parts need surroundings; a larger --tile "
            "or more --memory would be faster, to the same result"
        ]
        if told
        else []
    )


def test_what_was_done_before_says_so(capsys: Captured) -> None:
    show_objects({"n_objects": 5, "labels": "a.ome.zarr", "done": False})
    assert capsys.readouterr().out.startswith("5 objects; labels in a.ome.zarr (done before)\n")


def test_one_image_or_a_folder_by_the_name_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, Any, Any]] = []
    for name in ("predict_image", "predict_folder"):
        monkeypatch.setattr(
            f"veriscope.cli.objects.{name}",
            lambda _, images, output, *, probabilities, name=name: called.append(
                (name, images, probabilities)
            ),
        )
    for output in ("out", "a.ome.zarr"):
        for probabilities in (False, True):
            find_objects(None, ["a.tif"], Path(output), probabilities=probabilities)  # type: ignore[arg-type]
    assert called == [
        ("predict_folder", ["a.tif"], False),
        ("predict_folder", ["a.tif"], True),
        ("predict_image", "a.tif", None),
        ("predict_image", "a.tif", Path("a.probabilities.ome.zarr")),
    ]


def tiles(how: str, difference: float | None = None) -> dict[str, Any]:
    return {"details": [{"tiles": how, "tile_difference": difference}]}


def test_tiles_that_do_not_agree_are_told_with_the_largest_difference(capsys: Captured) -> None:
    images = [tiles("exact"), tiles("blended", 0.012345), tiles("blended", 0.5), tiles("blended")]
    show_restored({"images": images, "n_images": 4, "n_done": 4, "output": "out"})
    assert capsys.readouterr().out.splitlines() == [
        "4 restored images (4 done now) in out",
        "tiles do not agree where they meet (by up to 0.5, in units of the result) and were blended in 3 "
        "of 4 images: the model sees farther than its tiles",
        UNTESTED,
    ]


def test_a_difference_of_tiles_that_was_not_measured_is_not_made_up(capsys: Captured) -> None:
    show_restored(tiles("blended") | {"restored": "r.ome.zarr", "done": False})
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == "restored image in r.ome.zarr (done before)"
    assert second.startswith("tiles do not agree where they meet (by an amount that could not be measured, ")
    show_restored(tiles("exact", 0.1) | {"restored": "r.ome.zarr", "done": True})
    assert capsys.readouterr().out.splitlines() == ["restored image in r.ome.zarr", UNTESTED]


def method(kind: type) -> Any:
    """A method of a kind, of which nothing but the name is asked."""
    inner: dict[str, Any] = dict.fromkeys(getattr(kind, "__abstractmethods__", ()))
    return object.__new__(type("Plain", (kind,), inner | {"name": "tool:mine"}))


def test_a_method_that_gives_images_has_no_probabilities(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        restore(method(RestorationMethod), ["a"], tmp_path, probabilities=True)
    assert str(error.value) == "tool:mine gives images, not probabilities; leave out --probabilities"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"probabilities": True}, "--probabilities"),
        ({"tile": 64, "memory": 10**9}, "--tile, --memory"),
        ({"probabilities": True, "tile": 32, "memory": 1}, "--probabilities, --tile, --memory"),
    ],
)
def test_options_without_effect_on_classes_are_named(given: dict[str, Any], named: str) -> None:
    options = {"probabilities": False, "tile": None, "memory": None} | given
    with pytest.raises(InputError) as error:
        classify(method(ClassificationMethod), ["a"], Path("out"), **options)
    assert str(error.value) == (
        f"tool:mine tells the class of whole images, on which {named} has no effect; leave it out"
    )


@pytest.mark.parametrize("name", ["a.ome.zarr", "classes.csv"])
def test_classes_are_written_to_a_folder(name: str) -> None:
    with pytest.raises(InputError) as error:
        classify(method(ClassificationMethod), ["a"], Path(name), probabilities=False, tile=None, memory=None)
    assert str(error.value) == (
        f"{name}: classes are written as classes.csv in a folder; give one, such as -o {name.split('.')[0]}"
    )


def test_classes_are_counted_and_the_way_to_test_them_is_told(capsys: Captured) -> None:
    show_classes({"n_by_class": {"[a]": 3, "b": 0}, "n_images": 3, "n_done": 2, "table": "out/classes.csv"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert " ".join(lines[0]) == "3 images (2 done now)"
    assert ["[a]", "3"] in lines and ["b", "0"] in lines
    assert " ".join(lines[-1]) == (
        "untested: compare with classes of your own: veriscope compare REFERENCES.csv out/classes.csv --task "
        "classification"
    )


NEW: dict[str, Any] = {
    "study": "my study",
    "n_images": 3,
    "groups": {"a": 2, "b": 1},
    "planes": [],
    "files": [],
    "spacing": ["0.5 × 0.5 µm", "uncalibrated"],
    "question": "How many?",
    "modalities": ["fluorescence", "histology"],
    "candidates": ["otsu-watershed", "log-spots"],
    "left_out": {},
    "notes": [],
    "skipped": "",
}


def test_a_new_study_is_told_with_the_command_that_comes_next(capsys: Captured) -> None:
    show_new(NEW, told=False)
    assert capsys.readouterr().out.splitlines() == [
        "my study: 3 images, groups: a (2), b (1)",
        "pixel size: 0.5 × 0.5 µm; uncalibrated",
        "question: How many?",
        "images: fluorescence or histology (by their pixels, --modality overrides)",
        "candidates: otsu-watershed, log-spots",
        "next: veriscope run 'my study'",
    ]


def test_what_planes_leave_out_is_said_before_the_question(capsys: Captured) -> None:
    show_new(NEW | {"planes": ["1 image is plane 3.", "2 images are times."]}, told=False)
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "planes: 1 image is plane 3.",
        "planes: 2 images are times.",
    ]


def test_what_was_left_out_skipped_or_cannot_be_told_is_said(capsys: Captured) -> None:
    left = {"otsu-watershed": ["It needs bright objects.", "These are dark."]}
    show_new(
        NEW | {"modalities": [], "left_out": left, "skipped": "b.tif: broken\nc.tif: empty\n"}, told=True
    )
    lines = capsys.readouterr().out.splitlines()
    assert "images: cannot be told from their pixels (--modality)" in lines
    place = lines.index("left out: otsu-watershed. It needs bright objects. These are dark.")
    assert lines[place + 1 : place + 4] == [
        "  to let one in all the same, name candidates with --method",
        "b.tif: broken",
        "c.tif: empty",
    ]
    show_new(NEW | {"modalities": ["histology"]}, told=True)
    assert "images: histology (as you say)" in capsys.readouterr().out


def role(n: int = 0, *, open_tiles: int = 0, done: int = 0) -> dict[str, Any]:
    return {
        "n_drawn": n,
        "n_distinct": n - 1,
        "n_annotated": done,
        "by_group": {"a": n},
        "to_annotate": ["t"] * open_tiles,
    }


@pytest.mark.parametrize(
    ("state", "lines"),
    [
        (
            {"audit": role(), "training": role(), "census": role()},
            ["nothing drawn yet; draw with: veriscope audit 'my study' --tiles 20"],
        ),
        (
            {"audit": role(20, open_tiles=3, done=16), "training": role(4, open_tiles=3), "census": role()},
            [
                "audit: 20 draws (a 20) of 19 different tiles, 16 annotated",
                "training: 4 draws (a 4) of 3 different tiles, 0 annotated",
                "6 tiles to annotate (see README.txt) in tiles",
                "then: veriscope audit 'my study' --import FOLDER",
            ],
        ),
        (
            {
                "audit": role(20, done=19),
                "training": role(),
                "census": role(),
                "n_imported": 19,
                "n_new": 4,
                "notes": ["one has no object"],
            },
            [
                "19 tiles taken in, 4 of them new",
                "note: one has no object",
                "audit: 20 draws (a 20) of 19 different tiles, 19 annotated",
                "next: veriscope validate 'my study'; veriscope estimate 'my study'",
            ],
        ),
    ],
    ids=["nothing drawn", "waiting", "complete"],
)
def test_the_state_of_an_audit_says_what_comes_next(
    capsys: Captured, state: dict[str, Any], lines: list[str]
) -> None:
    show_audit(Path("my study"), state | {"tiles_folder": "tiles"})
    assert capsys.readouterr().out.splitlines() == lines


def group(name: str, **changed: Any) -> dict[str, Any]:
    plain = {
        "group": name,
        "status": "ok",
        "estimate": 12.345,
        "low": 10.0,
        "high": 14.5,
        "naive": 15.0,
        "labelled_only": {"low": 5.0, "high": 20.0},
        "reason": "",
        "extra_tiles_needed": None,
    }
    return plain | changed


def test_an_estimate_is_never_shown_without_its_interval(capsys: Captured) -> None:
    found = {
        "question": {"text": "How many?", "unit": "per mm²", "level": 0.9},
        "method": "otsu",
        "groups": [
            group("a"),
            group("b", status="cannot-tell", low=None, high=None, reason="3 tiles are too few"),
            group("c", extra_tiles_needed=12),
        ],
        "contrast_unit": "per mm²",
        "contrasts": [
            {
                "kind": "difference",
                "group_a": "a",
                "group_b": "c",
                "estimate": 2.0,
                "low": 0.5,
                "high": 3.5,
                "p_adjusted": 0.0123,
            },
            {
                "kind": "ratio",
                "group_a": "a",
                "group_b": "b",
                "estimate": None,
                "low": None,
                "high": None,
                "p_adjusted": None,
                "reason": "b cannot be told",
            },
        ],
    }
    show_estimate(found, {"a": 11.0})
    shown = capsys.readouterr().out
    rows = {" ".join(line.split()) for line in shown.splitlines()}
    assert "answer per mm²" in shown and "90% interval" in shown and "truth" in shown
    assert "a 12.35 10 to 14.5 15 5 to 20 11" in rows
    assert "b cannot tell cannot tell 15 5 to 20 —" in rows
    assert "b: 3 tiles are too few\n" in shown
    assert "c: about 12 more tiles would probably reach the tolerance\n" in shown
    assert "c − a, per mm²: 2 (0.5 to 3.5), p = 0.012 (Holm)\n" in shown
    assert "b ÷ a, per mm²: — (cannot tell); b cannot be told\n" in shown


def test_a_verdict_stands_with_its_reasons(capsys: Captured) -> None:
    reasons = [
        {"status": "holds", "text": "the error is small"},
        {"status": "fails", "text": "the interval is wide"},
        {"status": "cannot-tell", "text": "one replicate"},
    ]
    show_verdict({"method": "otsu", "verdict": "caution", "text": "use with care", "reasons": reasons})
    assert capsys.readouterr().out.splitlines() == [
        "otsu: CAUTION — use with care",
        "  ✓ the error is small",
        "  ✗ the interval is wide",
        "  ? one replicate",
    ]


def test_notes_beyond_ten_are_counted(capsys: Captured) -> None:
    tell_notes([{"image": f"i{n}", "notes": [f"note {n}", "of all"]} for n in range(11)] + [{"image": "z"}])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "note: i0: note 0"
    assert lines[1] == "note: i0, i1, i2 and 8 more: of all"
    assert lines[-1] == "note: and 2 more (--json shows all)"


def test_what_is_no_number_is_a_dash_and_large_ones_are_whole() -> None:
    assert [number(one) for one in (None, float("nan"), float("-inf"))] == ["—"] * 3
    assert [number(one) for one in (1234567.8, -99.999, 99.994, -0.0)] == ["1 234 568", "-100", "99.99", "0"]
    assert span(float("nan"), 3.0) == "cannot tell"
    assert span(-1234.5, 0.00012345, digits=2) == "-1 234 to 0.00012"


def test_the_kinds_of_methods_are_told_apart() -> None:
    with pytest.raises(AssertionError, match="the task of a method tells its class"):
        restore(SimpleNamespace(name="x"), ["a"], Path("o"), probabilities=False)  # type: ignore[arg-type]
