"""Options of the checks: what is allowed, and the whole sentence where something is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from veriscope.errors import InputError
from veriscope.validate.application.settings import ApplicationSettings


def test_the_defaults_are_those_of_bioequivalence() -> None:
    settings = ApplicationSettings()
    assert (settings.alpha, settings.kept, settings.null_excess) == (0.05, (0.8, 1.25), 0.1)
    assert settings.kept[0] == 1 / settings.kept[1]
    assert settings.control is settings.unit_tolerance is None
    assert (settings.unit, settings.replicate, settings.missing) == ("image", "replicate", "refuse")


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"alpha": float("nan")},
        {"unit_tolerance": 0.0},
        {"unit_tolerance": -1.0},
        {"null_excess": -0.01},
        {"null_excess": 1.0},
        {"n_permutations": 98},
        {"seed": -1},
        {"missing": "ignore"},
        {"kept": (0.8,)},
        {"tolerance": 3},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_by_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        ApplicationSettings.parse(options, where="study.yaml")
    (name,) = options
    first, second, *_ = str(caught.value).splitlines()
    assert first == "study.yaml: wrong options"
    assert second.startswith(f"  - {name}")


@pytest.mark.parametrize("kept", [(0.8, 1.0), (1.0, 1.25), (-0.1, 1.2), (1.25, 0.8), (2.0, 3.0)])
def test_the_share_of_an_effect_that_is_kept_holds_one(kept: tuple[float, float]) -> None:
    with pytest.raises(InputError) as caught:
        ApplicationSettings.parse({"kept": kept}, where="options")
    assert f"kept {kept} does not hold 1, a perfect effect; use such as (0.8, 1.25)" in str(caught.value)


@pytest.mark.parametrize("kept", [(0.0, 1.01), (0.999, 1e9)])
def test_any_range_around_one_is_allowed(kept: tuple[float, float]) -> None:
    assert ApplicationSettings(kept=kept).kept == kept


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        ApplicationSettings.parse({"alpha": 2, "seed": -4, "colour": "red"}, where="options")
    told = str(caught.value)
    assert all(f"  - {name}: " in told for name in ("alpha", "seed", "colour"))


def test_settings_do_not_change_and_survive_writing() -> None:
    settings = ApplicationSettings(kept=(0.5, 2.0), control="dmso", unit="well", nested=True)
    assert ApplicationSettings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValidationError, match="frozen"):
        settings.alpha = 0.1  # type: ignore[misc]
