"""Chains of processing steps: their order, the order of the axes, and what is refused."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from veriscope.errors import MethodError
from veriscope.methods.zoo.fixed_steps import Binarize, EnsureDtype, ScaleLinear, Sigmoid, Softmax
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Custom, Step, Unsupported, apply_steps
from veriscope.methods.zoo.step import ProcessingStep

AXES = ("batch", "channel", "y", "x")
TENSOR = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
CHAIN: list[Step] = [
    ScaleRange(axes=("y", "x"), min_percentile=5, max_percentile=95),
    Clip(min=-0.25, max=1.25),
    ScaleLinear(gain=(1, 3), axis="channel"),
    ZeroMeanUnitVariance(axes=("channel", "y", "x")),
    Sigmoid(),
    Softmax(),
]


def run(steps: list[Step], values: NDArray[Any] = TENSOR) -> NDArray[Any]:
    return apply_steps(steps, values, AXES, {})


def test_steps_go_one_after_the_other() -> None:
    double, add = ScaleLinear(gain=2), ScaleLinear(offset=5)
    assert run([double, add]).ravel().tolist() == [2 * v + 5 for v in range(12)]
    assert run([add, double]).ravel().tolist() == [2 * (v + 5) for v in range(12)]
    assert run([double, add, Binarize(threshold=16), EnsureDtype(dtype="uint8")]).ravel().tolist() == (
        [0] * 6 + [1] * 6
    )


def test_nothing_is_done_without_steps_and_nothing_is_changed_with_them() -> None:
    assert run([]) is TENSOR
    before = TENSOR.copy()
    for step in CHAIN:
        run([step])
    np.testing.assert_array_equal(TENSOR, before)


def test_a_step_sees_what_the_one_before_made_and_a_reference_what_was_given() -> None:
    """The second range is that of the scaled values, unless it refers to the tensor before processing."""
    ten_times = ScaleLinear(gain=10)
    own = apply_steps([ten_times, ScaleRange()], TENSOR, AXES, {"raw": TENSOR})
    np.testing.assert_allclose(own.max(), 1, rtol=1e-6)
    referred = apply_steps([ten_times, ScaleRange(reference="raw")], TENSOR, AXES, {"raw": TENSOR})
    np.testing.assert_allclose(referred.max(), 10, rtol=1e-6)
    back = apply_steps(
        [ZeroMeanUnitVariance(), ScaleMeanVariance(reference="raw")], TENSOR, AXES, {"raw": TENSOR}
    )
    np.testing.assert_allclose(back, TENSOR, atol=1e-5)


@settings(max_examples=40)
@given(st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_the_order_of_the_axes_does_not_matter(order: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(5, 2, (1, 2, 4, 5))
    plain = apply_steps(CHAIN, values, AXES, {})
    turned = apply_steps(CHAIN, values.transpose(order), [AXES[i] for i in order], {})
    np.testing.assert_allclose(turned, plain.transpose(order), rtol=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(2,), (3,), (2, 3)]), st.integers(0, 3))
def test_flipped_and_shifted_images_give_flipped_and_shifted_values(
    seed: int, flipped: tuple[int, ...], roll: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 99, (1, 2, 4, 5)).astype(np.float64)
    plain = run(CHAIN, values)
    np.testing.assert_allclose(run(CHAIN, np.flip(values, flipped)), np.flip(plain, flipped), rtol=1e-12)
    np.testing.assert_allclose(
        run(CHAIN, np.roll(values, roll, flipped[0])), np.roll(plain, roll, flipped[0]), rtol=1e-12
    )


def test_a_step_that_is_not_known_names_itself_and_what_to_do() -> None:
    with pytest.raises(MethodError) as error:
        run([Sigmoid(), Unsupported(name="fancy_postprocessing")])
    assert str(error.value) == (
        "the model needs the processing step 'fancy_postprocessing', which Veriscope does not have; choose "
        "another model, or run this one in its own software and compare its label images (veriscope compare)"
    )


def test_code_of_a_package_never_runs_as_a_step() -> None:
    with pytest.raises(MethodError) as error:
        run([Custom(callable="run", source="evil.py", sha256="0" * 64, kwargs={"x": 1})])
    assert str(error.value) == (
        "evil.py is code of the package and is not run where a step of it is expected"
    )


def test_steps_are_read_by_their_kind() -> None:
    """As records and workers pass them on: plain values and back."""
    reader: TypeAdapter[Step] = TypeAdapter(Step)
    for step in (*CHAIN, Unsupported(name="x"), Custom(callable="f", source="f.py", kwargs={"a": [1]})):
        again = reader.validate_json(step.model_dump_json())
        assert again == step
        assert type(again) is type(step)
    with pytest.raises(ValidationError, match="'scale'"):
        reader.validate_python({"kind": "scale"})
    with pytest.raises(ValidationError, match="gian"):
        reader.validate_python({"kind": "scale_linear", "gian": 2})


def test_each_step_has_a_kind_of_its_own() -> None:
    kinds: list[type[ProcessingStep]] = list(get_args(get_args(Step)[0]))
    names = [kind.model_fields["kind"].default for kind in kinds]
    assert len(set(names)) == len(names) == 14
