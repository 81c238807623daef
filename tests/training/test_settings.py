"""What a training may be asked to do: limits, options that contradict each other, and what a start brings."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.training.settings import OWN_NETWORK, TrainedHead, TrainSettings

ALLOWED = f"Options are: {', '.join(TrainSettings.model_fields)}"


def refused(options: dict[str, Any]) -> str:
    """Give the faults that are told, without the list of all options."""
    with pytest.raises(InputError) as error:
        TrainSettings.parse(options, where="veriscope train")
    first, *faults, last = str(error.value).splitlines()
    assert first == "veriscope train: wrong options"
    assert last == ALLOWED
    return "\n".join(fault.removeprefix("  - ") for fault in faults)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"head": "blobs"}, "head: Input should be 'flow', 'star', 'distance', 'semantic', 'boxes' or 'clas"),
        ({"architecture": "resnet"}, "architecture: Input should be 'unet' or 'vit' (got 'resnet')"),
        ({"minutes": 0}, "minutes: Input should be greater than 0 (got 0)"),
        ({"minutes": 10_001}, "minutes: Input should be less than or equal to 10000 (got 10001)"),
        ({"minutes": math.nan}, "minutes: Input should be a finite number (got nan)"),
        ({"steps": 0}, "steps: Input should be greater than or equal to 1 (got 0)"),
        ({"start": ""}, "start: String should have at least 1 character (got '')"),
        ({"tune": "bias"}, "tune: Input should be 'all', 'head' or 'lora' (got 'bias')"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0 (got -1)"),
        ({"device": "tpu"}, "device: Input should be 'auto', 'cpu' or 'cuda' (got 'tpu')"),
        ({"batch": 257}, "batch: Input should be less than or equal to 256 (got 257)"),
        ({"crop": 31}, "crop: Input should be greater than or equal to 32 (got 31)"),
        ({"crop": 1025}, "crop: Input should be less than or equal to 1024 (got 1025)"),
        ({"rate": 0}, "rate: Input should be greater than 0 (got 0)"),
        ({"rate": 1.5}, "rate: Input should be less than or equal to 1 (got 1.5)"),
        ({"topology": -0.1}, "topology: Input should be greater than or equal to 0 (got -0.1)"),
        ({"consistency": 101}, "consistency: Input should be less than or equal to 100 (got 101)"),
        ({"widths": ()}, "widths: Tuple should have at least 1 item after validation, not 0 (got ())"),
        ({"widths": (8, 0)}, "widths.1: Input should be greater than or equal to 1 (got 0)"),
        ({"threads": -2}, "threads: Input should be greater than or equal to 0 (got -2)"),
        (
            {"data_url": "my disk"},
            "data_url: String should match pattern '^(https?://\\S+)?$' (got 'my disk')",
        ),
        ({"epochs": 5}, "epochs: Extra inputs are not permitted (got 5)"),
    ],
)
def test_what_lies_beyond_the_limits_is_refused_with_the_limit(options: dict[str, Any], fault: str) -> None:
    assert refused(options).startswith(fault)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"deterministic": True},
            "deterministic training needs a number of steps, since time differs: give --steps",
        ),
        (
            {"deterministic": True, "steps": 5, "device": "cuda"},
            "deterministic training computes on the processor; leave out --device cuda",
        ),
        ({"tune": "head"}, "--tune head changes a network that there is already: give --from"),
        ({"tune": "lora"}, "--tune lora changes a network that there is already: give --from"),
        ({"topology": 0.5}, "topology is a loss of the semantic head: give --head semantic"),
        (
            {"topology": 0.5, "head": "flow"},
            "topology is a loss of the semantic head: give --head semantic",
        ),
        (
            {"architecture": "vit", "head": "boxes"},
            "the head for boxes has a network of its own: leave out --architecture",
        ),
        (
            {"architecture": "vit", "head": "classification"},
            "the head for classification has a network of its own: leave out --architecture",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], fault: str) -> None:
    assert refused(options) == fault


def test_faults_of_several_options_are_told_together() -> None:
    faults = refused({"batch": 0, "crop": 5, "speed": "high"}).splitlines()
    assert [fault.split(":")[0] for fault in faults] == ["batch", "crop", "speed"]


def test_what_goes_together_is_taken() -> None:
    for options in (
        {"deterministic": True, "steps": 5, "device": "auto"},
        {"tune": "lora", "start": "a"},
        {"topology": 1.0, "head": "semantic"},
        {"architecture": "vit", "head": "star"},
        {"architecture": "unet", "head": "boxes"},
        {"widths": [32, 32], "data_url": "https://example.org/a"},
    ):
        TrainSettings.parse(options, where="test")


def test_every_head_with_a_network_of_its_own_is_a_head() -> None:
    assert set(OWN_NETWORK) < set(get_args(TrainedHead))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "threads": st.integers(0, 64),
            "licence": st.sampled_from(["", "MIT"]),
            "data_url": st.just("https://example.org"),
            "curve": st.booleans(),
        },
    )
)
def test_what_is_only_written_down_decides_nothing(options: dict[str, Any]) -> None:
    usual = TrainSettings().deciding()
    assert TrainSettings.parse(options, where="test").deciding() == usual


@pytest.mark.parametrize(
    "option",
    sorted(set(TrainSettings.model_fields) - {"threads", "licence", "data_url", "curve"}),
)
def test_every_other_option_decides(option: str) -> None:
    assert option in TrainSettings().deciding()


def test_a_start_gives_head_and_architecture_where_nothing_else_was_asked_for() -> None:
    plain = TrainSettings(start="a")
    taken = plain.with_start("star", "vit")
    assert (taken.head, taken.architecture) == ("star", "vit")
    assert (plain.head, plain.architecture) == ("flow", "unet")
    asked = TrainSettings(start="a", head="distance").with_start("star", "unet")
    assert (asked.head, asked.architecture) == ("distance", "unet")
    assert plain.with_start(None, None) is plain


@pytest.mark.parametrize("head", ["denoise", "masked"])
def test_a_start_that_learned_without_labels_has_no_head_to_give(head: str) -> None:
    assert TrainSettings(start="a").with_start(head, "unet").head == "flow"


@pytest.mark.parametrize("architecture", ["boxes", "classifier", "zoo"])
def test_an_architecture_that_goes_with_its_head_alone_is_not_an_option(architecture: str) -> None:
    assert TrainSettings(start="a").with_start("boxes", architecture).architecture == "unet"


def test_another_architecture_than_that_of_the_start_is_refused() -> None:
    with pytest.raises(InputError) as error:
        TrainSettings(start="mine", architecture="unet").with_start("flow", "vit")
    assert str(error.value) == (
        "--architecture unet is another than that of mine, which is a vit; leave it out, or start from "
        "another network"
    )
    same = TrainSettings(start="mine", architecture="vit").with_start("flow", "vit")
    assert same.architecture == "vit"
