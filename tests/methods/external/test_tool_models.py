"""Models of tools: which files each needs, what its card says, and what is refused before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.methods.base import UNTRIED
from veriscope.methods.external.environment import ENVIRONMENT_SCHEMA, Environment, venv_python
from veriscope.methods.external.external_method import ExternalMethod
from veriscope.methods.external.find import TOOLS, external_method, recipe_of
from veriscope.methods.external.stardist import StarDistMethod
from veriscope.registry import get_method, make_method

WITH_WEIGHTS = ("cellpose", "cellpose-sam", "instanseg", "sam", "stardist")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path / "external"))
    monkeypatch.chdir(tmp_path)


def environment(tool: str) -> Environment:
    """Write a finished environment without anything in it."""
    folder = Path("external").absolute() / tool
    python = venv_python(folder / "venv")
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    record = {
        "schema": ENVIRONMENT_SCHEMA,
        "tool": tool,
        "version": "9.8",
        "requirements": recipe_of(tool).lines(),
        "installed": {tool: "9.8"},
    }
    (folder / "environment.json").write_text(json.dumps(record), encoding="utf-8")
    return Environment(folder, record)


def fetched(tool: str, *names: str) -> list[Path]:
    """Put files, or folders with a slash at the end, into its folder of weights."""
    weights = environment(tool).weights
    for name in names:
        path = weights / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return [weights / name for name in names]


def star_folder(folder: Path, *, weights: str = "weights_best.h5", **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"n_dim": 2, "n_channel_in": 1} | config))
    (folder / weights).write_bytes(b"numbers")
    return folder


def files_of(name: str) -> list[Path]:
    return external_method(name).model_files(environment(name.partition(":")[0]))


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("cellpose:cyto3", ["cyto3", "size_cyto3.npy"]),
        ("cellpose:cyto2", ["cyto2torch_0", "size_cyto2torch_0.npy"]),
        ("cellpose:cyto", ["cytotorch_0", "size_cytotorch_0.npy"]),
        ("cellpose:nuclei", ["nucleitorch_0", "size_nucleitorch_0.npy"]),
        ("cellpose:tissuenet_cp3", ["tissuenet_cp3"]),
        ("cellpose-sam:cpsam", ["cpsam"]),
        ("sam:sam_vit_b_01ec64.pth", ["sam_vit_b_01ec64.pth"]),
        ("instanseg:fluorescence_nuclei_and_cells", ["fluorescence_nuclei_and_cells.pt"]),
    ],
)
def test_a_name_of_the_authors_needs_their_files(name: str, files: list[str]) -> None:
    """Cellpose keeps its models under names of its own, some with a file that estimates the size."""
    tool, _, model = name.partition(":")
    for missing in files:
        fetched(tool, *(file for file in files if file != missing))
        (environment(tool).weights / missing).unlink(missing_ok=True)
        with pytest.raises(MethodError) as error:
            files_of(name)
        assert str(error.value) == (
            f"{name}: weights named {model!r} are not here, and nothing is fetched unless asked for; fetch "
            f"them with: veriscope models install {tool} --download {model} (or give the path of weights: "
            f"{tool}:./PATH)"
        )
    wanted = fetched(tool, *files)
    assert files_of(name) == wanted


@pytest.mark.parametrize(
    ("tool", "title"),
    [("cellpose", "Cellpose 3"), ("cellpose-sam", "Cellpose 4 (Cellpose-SAM)"), ("sam", "Segment Anything")],
)
def test_a_path_is_one_file_of_weights(tool: str, title: str, tmp_path: Path) -> None:
    own = tmp_path / "own weights"
    own.write_bytes(b"numbers")
    assert files_of(f"{tool}:{own}") == [own]
    assert files_of(f"{tool}:own weights") == [own], "there is a file of that name here"
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(MethodError) as error:
            files_of(f"{tool}:{wrong}")
        assert str(error.value) == f"{tool}:{wrong}: {wrong} is no file of weights of {title}"


def test_a_model_of_instanseg_is_a_file_or_the_folder_around_it(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(MethodError) as error:
        files_of(f"instanseg:{folder}")
    assert str(error.value) == (
        f"instanseg:{folder}: {folder}/instanseg.pt is no file; give the instanseg.pt of a model"
    )
    (folder / "instanseg.pt").write_bytes(b"numbers")
    assert files_of(f"instanseg:{folder}") == files_of(f"instanseg:{folder}/instanseg.pt")


def test_a_model_of_stardist_is_a_folder_with_config_and_weights(tmp_path: Path) -> None:
    folder = star_folder(tmp_path / "mine", weights="weights_last.h5")
    assert files_of(f"stardist:{folder}") == [folder]
    (folder / "weights_last.h5").unlink()
    with pytest.raises(MethodError) as error:
        files_of(f"stardist:{folder}")
    assert str(error.value) == (
        f"stardist:{folder}: {folder} has no weights_best.h5 nor another weights_*.h5"
    )
    named = star_folder(environment("stardist").weights / "2D_versatile_fluo")
    assert files_of("stardist:2D_versatile_fluo") == [named]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"n_channel_in": 3}, "3 channel(s) in 2"),
        ({"n_dim": 4}, "1 channel(s) in 4"),
        ({"n_dim": None, "n_channel_in": None}, "None channel(s) in None"),
    ],
)
def test_a_model_of_stardist_for_other_images_is_refused(
    tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    folder = star_folder(tmp_path / "mine", **config)
    with pytest.raises(MethodError) as error:
        get_method(f"stardist:{folder}")
    assert str(error.value) == (
        f"stardist:{folder}: {folder}: Veriscope runs models for one channel in two or three dimensions, and "
        f"this one is for {said}"
    )


@pytest.mark.parametrize("content", [None, "", "{", "\udce9"])
def test_a_folder_that_is_no_model_of_stardist_is_refused(tmp_path: Path, content: str | None) -> None:
    folder = star_folder(tmp_path / "mine")
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(MethodError, match="is no model of StarDist, which is a folder with config"):
        get_method(f"stardist:{folder}")


@pytest.mark.parametrize("content", ["[]", "3", '"text"', "null"])
def test_a_config_that_is_no_object_is_damaged(tmp_path: Path, content: str) -> None:
    folder = star_folder(tmp_path / "mine")
    (folder / "config.json").write_text(content)
    with pytest.raises(MethodError) as error:
        get_method(f"stardist:{folder}")
    assert str(error.value) == f"stardist:{folder}: {folder}/config.json is damaged"


@pytest.mark.parametrize(("n_dim", "axes"), [(2, "yx"), (3, "zyx")])
def test_the_dimensions_of_a_model_of_stardist_are_those_of_its_config(
    tmp_path: Path, n_dim: int, axes: str
) -> None:
    environment("stardist")
    method = make_method(f"stardist:{star_folder(tmp_path / 'mine', n_dim=n_dim)}")
    assert isinstance(method, StarDistMethod)
    assert method.card.dimensions == (n_dim,)
    assert method.options()["dimensions"] == n_dim
    method.check(Image(np.zeros((4,) * n_dim, np.uint8), axes))
    assert external_method("stardist:3D_demo").card.dimensions == (3,)
    assert external_method("stardist:2D_paper_dsb2018").card.dimensions == (2,)


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_every_card_says_first_that_it_is_not_known_how_it_works_here(tool: str, tmp_path: Path) -> None:
    paths = {"stardist": star_folder(tmp_path / "mine"), "ilastik": "own.ilp", "fiji": "own.ijm"}
    own = paths.get(tool, tmp_path / "own.weights")
    for model in (f"{tool}:{own}", *([f"{tool}:named"] if tool in WITH_WEIGHTS else [])):
        card = external_method(model).card
        assert card.limits[0] == UNTRIED
        assert card.summary.endswith(".") and card.citation and card.licence
        if tool in WITH_WEIGHTS:
            theirs = model.endswith("named")
            assert ("not known to Veriscope" in card.training_data) is not theirs
            assert ("named" in card.summary) is theirs
            assert (Path(own).name in card.summary) is not theirs


@pytest.mark.parametrize(
    ("name", "objects", "modalities"),
    [
        ("cellpose:nuclei", ("nucleus",), ()),
        ("cellpose:cyto3", ("cell", "nucleus"), ()),
        ("stardist:2D_versatile_fluo", ("nucleus", "cell"), ("fluorescence",)),
        ("stardist:2D_versatile_he", ("nucleus", "cell"), ()),
        ("instanseg:fluorescence_nuclei_and_cells", ("nucleus", "cell"), ("fluorescence",)),
        ("instanseg:brightfield_nuclei", ("nucleus", "cell"), ("brightfield",)),
    ],
)
def test_cards_say_what_a_model_is_for(
    name: str, objects: tuple[str, ...], modalities: tuple[str, ...]
) -> None:
    card = external_method(name).card
    assert (card.objects, card.modalities) == (objects, modalities)


@pytest.mark.parametrize(
    ("tool", "wrong"),
    [
        ("cellpose", {"diameter": 0}),
        ("cellpose", {"flow_threshold": -0.1}),
        ("cellpose", {"iterations": 0}),
        ("cellpose-sam", {"smallest_area": 0}),
        ("stardist", {"prob_thresh": 1.0}),
        ("stardist", {"low": 100}),
        ("stardist", {"scale": 0}),
        ("instanseg", {"target": "membranes"}),
        ("instanseg", {"pixel_size": -1}),
        ("sam", {"points_per_side": 0}),
        ("sam", {"largest_share": 0}),
        ("fiji", {"timeout": 0}),
        ("ilastik", {"memory_gb": 0}),
        ("sam", {"prob_thresh": 0.5}),
    ],
)
def test_options_that_make_no_sense_are_named(tool: str, wrong: dict[str, Any]) -> None:
    model = {"ilastik": "a.ilp", "fiji": "a.ijm"}.get(tool, "named")
    with pytest.raises(InputError, match=rf"(?s)wrong options.*{next(iter(wrong))}"):
        external_method(f"{tool}:{model}").Parameters.parse(dict(wrong), where=tool)


class Asked:
    """Stands for the process: notes what it is asked and finds nothing."""

    def __init__(self) -> None:
        self.options: list[dict[str, Any]] = []

    def ask(self, do: str, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        self.options.append(options)
        return {}, {"labels": np.zeros(arrays["image"].shape, np.int32)}

    def close(self) -> None:
        """Do nothing."""


def asked(method: Any, image: Image) -> dict[str, Any]:
    assert isinstance(method, ExternalMethod)
    tool = Asked()
    method._tool = tool  # type: ignore[assignment]
    method.predict(image)
    return tool.options[0]


def test_the_worker_is_told_the_options_of_its_tool_alone() -> None:
    fetched("cellpose-sam", "cpsam")
    found = asked(
        make_method("cellpose-sam:cpsam", {"diameter": 17, "timeout": 5}),
        Image(np.arange(64.0).reshape(8, 8), "yx"),
    )
    assert (found["diameter"], found["flow_threshold"], found["iterations"]) == (17, 0.4, None)
    assert {"timeout", "start_timeout", "memory_gb"}.isdisjoint(found), "limits of its process are ours"


@pytest.mark.parametrize(
    ("given", "spacing", "told"),
    [
        (None, None, None),
        (None, {"y": 0.2, "x": 0.4}, 0.3),
        (0.5, {"y": 0.2, "x": 0.4}, 0.5),
        (0.5, None, 0.5),
    ],
)
def test_instanseg_is_told_the_pixel_size_that_is_known(
    given: float | None, spacing: dict[str, float] | None, told: float | None
) -> None:
    fetched("instanseg", "fluorescence.pt")
    method = make_method("instanseg:fluorescence", {} if given is None else {"pixel_size": given})
    found = asked(method, Image(np.arange(64.0).reshape(8, 8), "yx", spacing))
    assert found["pixel_size"] == (told if told is None else pytest.approx(told))
    assert found["target"] == "nuclei"


@pytest.mark.parametrize("name", ["cellpose:nuclei", "cellpose-sam:cpsam"])
@pytest.mark.parametrize(
    ("given", "spacing", "told"),
    [
        ({}, None, {"do_3D": True, "anisotropy": 1.0}),
        ({}, {"z": 2.0, "y": 0.5, "x": 0.5}, {"do_3D": True, "anisotropy": 4.0}),
        ({"anisotropy": 3.0}, {"z": 2.0, "y": 0.5, "x": 0.5}, {"do_3D": True, "anisotropy": 3.0}),
        ({"do_3D": False}, None, {"do_3D": False, "stitch_threshold": 0.25}),
        ({"do_3D": False, "stitch_threshold": 0.5}, None, {"do_3D": False, "stitch_threshold": 0.5}),
    ],
)
def test_cellpose_is_told_how_to_see_a_stack(
    name: str, given: dict[str, Any], spacing: dict[str, float] | None, told: dict[str, Any]
) -> None:
    fetched("cellpose", "nucleitorch_0", "size_nucleitorch_0.npy")
    fetched("cellpose-sam", "cpsam")
    method = make_method(name, given)
    stack = Image(np.arange(128.0).reshape(2, 8, 8), "zyx", spacing)
    assert asked(method, stack)["stack"] == told
    assert told.items() <= method.predict(stack).details.items(), "the record must say what was done"
    assert asked(method, Image(np.arange(64.0).reshape(8, 8), "yx"))["stack"] == {}


@pytest.mark.parametrize("wrong", [{"stitch_threshold": 0}, {"stitch_threshold": 1.5}, {"anisotropy": 0}])
def test_options_for_stacks_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    fetched("cellpose-sam", "cpsam")
    with pytest.raises(InputError, match=next(iter(wrong))):
        make_method("cellpose-sam:cpsam", wrong)


def test_an_image_without_contrast_is_not_sent() -> None:
    fetched("cellpose", "cyto3", "size_cyto3.npy")
    method: Any = make_method("cellpose:cyto3")
    tool = Asked()
    method._tool = tool
    found = method.predict(Image(np.full((5, 6), 3, np.uint16), "yx"))
    assert found.details == {"constant": True}
    assert found.labels.shape == (5, 6) and not found.labels.any()
    assert tool.options == []


@pytest.mark.parametrize("name", ["cellpose:", "cellpose:  ", "stardist:"])
def test_a_tool_without_a_model_is_refused(name: str) -> None:
    tool = name.partition(":")[0]
    with pytest.raises(MethodError) as error:
        external_method(name)
    assert str(error.value) == f"{name}: says no model; give {tool}:NAME or {tool}:./PATH"
