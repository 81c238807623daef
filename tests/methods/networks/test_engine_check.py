"""An engine is used only if it gives here what it should; what is used instead is said."""

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.local_method import Part
from veriscope.methods.networks import engine_check
from veriscope.methods.networks.engine_check import CheckedNetwork, Example, check_network, open_checked
from veriscope.methods.networks.engines import ENGINES, OpenNetwork, Precision
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence


@dataclass
class FakeEngine:
    """Adds to every value; does not need a model."""

    name: str
    adds: float = 0.0
    is_there: bool = True
    number: str = "1.0"
    precisions: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
    opened: list[int] = field(default_factory=list)
    ran: list[tuple[int, ...]] = field(default_factory=list)

    def installed(self) -> bool:
        return self.is_there

    def version(self) -> str:
        if not self.is_there:
            raise MissingPackageError(f"no {self.name}")
        return self.number

    def open(self, model: bytes, *, threads: int = 0, precision: Precision = "float32") -> OpenNetwork:
        self.opened.append(threads)

        def run(values: np.ndarray) -> list[np.ndarray]:
            self.ran.append(values.shape)
            return [values + np.float32(self.adds)]

        return run


VALUES = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
EXAMPLE = Example(VALUES, VALUES, largest=0.01, mean=0.001)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[FakeEngine, FakeEngine]]:
    def put(**openvino: object) -> tuple[FakeEngine, FakeEngine]:
        default = FakeEngine("onnxruntime", precisions=("float32", "int8"))
        faster = FakeEngine("openvino", **openvino)
        monkeypatch.setitem(ENGINES, "onnxruntime", default)
        monkeypatch.setitem(ENGINES, "openvino", faster)
        return default, faster

    return put


def opened(model: bytes = b"model", **options: object) -> CheckedNetwork:
    return open_checked(model, lambda: [EXAMPLE], **options)


def test_differences_are_the_worst_of_allexamples() -> None:
    def network(values: np.ndarray) -> list[np.ndarray]:
        return [values * 1.5, values]

    corner = Example(VALUES, VALUES[..., :2, :3], largest=1, mean=1)
    assert check_network(network, [corner]) == pytest.approx(
        (VALUES[0, 0, 1, 2] / 2, VALUES[..., :2, :3].mean() / 2)
    )
    assert check_network(network, [corner, EXAMPLE]) == pytest.approx((0.5, 0.25))


def test_an_output_of_another_shape_is_infinitely_far() -> None:
    assert check_network(lambda values: [values[..., :4]], [EXAMPLE]) == (np.inf, np.inf)
    assert check_network(lambda values: [values[0]], [EXAMPLE]) == (np.inf, np.inf)


def test_the_faster_engine_is_taken_if_it_passes(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]],
) -> None:
    default, faster = engines(adds=1e-4)
    found = opened(threads=2)
    assert (found.label, found.fallback) == ("openvino 1.0", "")
    assert found.check.largest == pytest.approx(1e-4, rel=1e-2)
    assert (default.opened, faster.opened) == ([], [2])


def test_without_it_the_default_is_taken_and_nothing_said(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]],
) -> None:
    engines(is_there=False)
    assert opened().label == "onnxruntime 1.0"


@pytest.mark.parametrize(("adds", "said"), [(0.5, "0.5"), (np.nan, "nan")])
def test_one_that_fails_is_passed_over_and_that_is_said(
    adds: float, said: str, engines: Callable[..., tuple[FakeEngine, FakeEngine]]
) -> None:
    engines(adds=adds)
    message = (
        "engine openvino 1.0 gives other results on this machine than where the network was made: in "
        f"float32 they differ by {said}, on average {said} (0.01 and 0.001 are allowed); choose another "
        "engine, or another version of it"
    )
    with pytest.warns(RuntimeWarning) as said_aloud:
        found = opened()
    assert [str(item.message) for item in said_aloud] == [f"{message}. onnxruntime 1.0 is used instead"]
    assert found.fallback == f"{message}. onnxruntime 1.0 is used instead"
    with pytest.raises(MethodError) as caught:
        opened(engine="openvino")
    assert str(caught.value) == message


def test_a_default_that_fails_is_refused(engines: Callable[..., tuple[FakeEngine, FakeEngine]]) -> None:
    default, _ = engines(is_there=False)
    default.adds = 0.02
    with pytest.raises(MethodError, match=r"^engine onnxruntime 1\.0 gives other results on this machine"):
        opened()


def test_what_was_asked_for_and_is_missing_is_an_error(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]],
) -> None:
    engines(is_there=False)
    with pytest.raises(MissingPackageError, match="no openvino"):
        opened(engine="openvino")
    with pytest.raises(MissingPackageError, match="no openvino"):
        opened(precision="bfloat16")


def test_a_precision_that_an_engine_lacks_is_an_error(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]],
) -> None:
    engines()
    with pytest.raises(MethodError) as caught:
        opened(engine="onnxruntime", precision="bfloat16")
    assert str(caught.value) == (
        "engine onnxruntime does not compute in bfloat16, only in float32 and int8; bfloat16 is for: openvino"
    )


def test_the_environment_chooses_where_no_option_does(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engines()
    monkeypatch.setenv("VERISCOPE_ENGINE", "onnxruntime")
    assert opened().label == "onnxruntime 1.0"
    assert opened(engine="openvino").label == "openvino 1.0"
    monkeypatch.setenv("VERISCOPE_ENGINE", "tpu")
    with pytest.raises(MethodError) as caught:
        opened()
    assert str(caught.value) == (
        "no engine named 'tpu' (from VERISCOPE_ENGINE); engines are: auto, onnxruntime, openvino, cuda, "
        "coreml, directml"
    )


def test_the_check_is_done_once_for_each_model_and_version(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]], tmp_path: Path
) -> None:
    _, faster = engines(adds=1e-4)
    first = opened()
    assert len(faster.ran) == 1
    assert opened().check == first.check
    assert len(faster.ran) == 1
    opened(b"another model")
    faster.number = "1.1"
    opened()
    assert len(faster.ran) == 3
    files = sorted((tmp_path / "cache" / "engines").iterdir())
    assert len(files) == 3
    kept = json.loads(files[0].read_text())
    assert kept == first.check.to_dict() | {"version": kept["version"]}
    assert kept["schema"] == "veriscope/engine-check/1"
    assert kept["passed"] is True


def test_a_failure_is_kept_but_tried_again(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]], tmp_path: Path
) -> None:
    _, faster = engines(adds=np.nan)
    with pytest.raises(MethodError):
        opened(engine="openvino")
    (file,) = (tmp_path / "cache" / "engines").iterdir()
    assert json.loads(file.read_text())["passed"] is False
    assert json.loads(file.read_text())["largest"] is None
    faster.adds = 0
    assert opened(engine="openvino").check.largest == 0


def test_another_machine_that_shares_the_home_folder_checks_anew(
    engines: Callable[..., tuple[FakeEngine, FakeEngine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, faster = engines()
    opened()
    monkeypatch.setattr(engine_check, "_machine", lambda: "another processor")
    opened()
    assert len(faster.ran) == 2


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_spoiled_network_is_found_out(precision: Precision) -> None:
    """The weights of the first layer are changed a little, as by a damaged file or a faulty engine."""
    onnx = pytest.importorskip("onnx")
    method = NucleiFluorescence(NetworkParameters(precision=precision, engine="onnxruntime"))
    content = method._network.weights.read_bytes()
    model = onnx.load_from_string(content)
    assert open_checked(content, method._network.examples, engine="onnxruntime", precision=precision)
    spoiled = next(item for item in model.graph.initializer if len(item.dims) == 4)
    values = onnx.numpy_helper.to_array(spoiled)
    changed = (values * 0.9).astype(values.dtype)
    spoiled.CopyFrom(onnx.numpy_helper.from_array(changed, spoiled.name))
    with pytest.raises(MethodError, match=r"^engine onnxruntime [0-9.]+ gives other results"):
        open_checked(
            model.SerializeToString(), method._network.examples, engine="onnxruntime", precision=precision
        )


def test_the_examples_have_two_sizes() -> None:
    whole, part = NucleiFluorescence.package.examples("float32")
    assert whole.values.shape[2:] == whole.expected.shape[2:]
    assert part.values.shape[2] < whole.values.shape[2]
    assert part.values.shape[3] < whole.values.shape[3]
    assert min(part.expected.shape[2:]) >= 64


def test_parts_are_predicted_by_the_engine_that_began() -> None:
    pixels = np.load(str(NucleiFluorescence()._network.weights).replace("weights.onnx", "test_input.npy"))[
        0, 0
    ]
    method = NucleiFluorescence(NetworkParameters(engine="onnxruntime", diameter=28))
    survey = method.survey(ArraySource(Image(pixels, "yx")))
    assert survey.engine.startswith("onnxruntime ")
    elsewhere = pickle.loads(pickle.dumps(NucleiFluorescence()))
    elsewhere.predict_part(Part.whole(Image(pixels, "yx")), survey)
    assert elsewhere._network.opened().label == survey.engine
    newer = survey.model_copy(update={"engine": "onnxruntime 99.0"})
    with pytest.raises(MethodError) as caught:
        elsewhere.predict_part(Part.whole(Image(pixels, "yx")), newer)
    assert str(caught.value) == (
        f"this prediction was begun with onnxruntime 99.0 and here is {survey.engine}; parts of one image "
        "are not mixed: install onnxruntime==99.0, or remove the unfinished run to start anew"
    )


def test_the_engine_is_in_the_record_and_not_in_the_identity() -> None:
    pixels = np.load(str(NucleiFluorescence()._network.weights).replace("weights.onnx", "test_input.npy"))[
        0, 0
    ]
    plain, named = (
        NucleiFluorescence(NetworkParameters(engine=engine)) for engine in ("auto", "onnxruntime")
    )
    assert plain.describe() == named.describe()
    details = named.predict(Image(pixels, "yx")).details
    assert details["engine"] == named._network.opened().label
    assert 0 <= details["engine_difference"] < 1e-3
    quantised = NucleiFluorescence(NetworkParameters(engine="onnxruntime", precision="int8")).describe()
    assert quantised["engine"] == named._network.opened().label
    assert quantised["weights_sha256"] != plain.describe()["weights_sha256"]


def test_an_image_without_anything_needs_no_engine() -> None:
    found = NucleiFluorescence().predict(Image(np.zeros((32, 32), np.uint16), "yx"))
    assert "engine" not in found.details
