"""The record: a step is done once, again where something changed, and never half."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import UnreadableFileError
from veriscope.io.hashing import sha256_of
from veriscope.io.record import RECORD_SCHEMA, Record, environment


class Study:
    """A study with one step: it writes the input in capitals, and counts how often it is done."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done = 0
        (root / "in.txt").write_text("pixels")

    def run(self, record: Record | None = None, *, name: str = "predict", **parameters: Any) -> bool:
        return (record or Record(self.root)).step(
            name, inputs=["in.txt"], parameters=parameters, outputs=["out.txt", Path("more")], work=self._work
        )

    def _work(self) -> Mapping[str, Any]:
        self.done += 1
        (self.root / "out.txt").write_text((self.root / "in.txt").read_text().upper())
        (self.root / "more").mkdir(exist_ok=True)
        (self.root / "more" / "x").write_text("more")
        return {"diameter_px": 12.5}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def test_an_entry_says_how_the_outputs_came_to_be(study: Study) -> None:
    assert study.run(channel="µ")
    (entry,) = Record(study.root).entries()
    assert set(entry) == {
        *("schema", "step", "key", "time", "wall_s", "inputs", "parameters", "outputs", "details"),
        *("environment", "cost"),
    }
    assert (entry["schema"], entry["step"]) == (RECORD_SCHEMA, "predict")
    assert entry["parameters"] == {"channel": "µ"}
    assert entry["inputs"] == {"in.txt": sha256_of(study.root / "in.txt")}
    assert entry["outputs"] == {name: sha256_of(study.root / name) for name in ("out.txt", "more")}
    assert entry["details"] == {"diameter_px": 12.5}
    assert entry["environment"] == environment()
    assert entry["environment"]["packages"]["numpy"]


def test_nothing_is_done_twice(study: Study) -> None:
    record = Record(study.root)
    assert [study.run(record), study.run(record), study.run()] == [True, False, False]
    assert study.done == 1
    assert len(record.entries()) == 1


def test_a_hash_that_is_known_is_taken_for_that_of_the_file(study: Study) -> None:
    def step(**hashes: str) -> bool:
        known = {Path(name): digest for name, digest in hashes.items()}
        options: dict[str, Any] = {"parameters": {}, "outputs": ["out.txt"], "work": study._work}
        return Record(study.root).step("predict", inputs=known, **options)

    assert [step(big="abc"), step(big="abc"), step(big="abd")] == [True, False, True]
    assert [entry["inputs"] for entry in Record(study.root).entries()] == [{"big": "abc"}, {"big": "abd"}]


@pytest.mark.parametrize("change", ["input", "parameter", "step", "deleted", "by hand", "in a folder"])
def test_a_step_is_done_again_when_something_changed(study: Study, change: str) -> None:
    study.run(threshold=0.5)
    options: dict[str, Any] = {"threshold": 0.5}
    match change:
        case "input":
            (study.root / "in.txt").write_text("other pixels")
        case "parameter":
            options["threshold"] = 0.6
        case "step":
            options["name"] = "measure"
        case "deleted":
            (study.root / "out.txt").unlink()
        case "by hand":
            (study.root / "out.txt").write_text("edited")
        case "in a folder":
            (study.root / "more" / "x").write_text("edited")
    assert study.run(**options)
    assert (study.root / "out.txt").read_text() == (study.root / "in.txt").read_text().upper()
    assert not study.run(**options), "and is current then"


def test_going_back_to_old_parameters_does_the_step_again(study: Study) -> None:
    assert [study.run(a=1), study.run(a=2), study.run(a=1)] == [True, True, True]


def test_the_order_of_parameters_does_not_count(study: Study) -> None:
    assert study.run(a=1, b=(2, 3))
    assert not study.run(b=[2, 3], a=1)


def test_a_step_without_outputs_is_always_done(study: Study) -> None:
    record = Record(study.root)
    results = [record.step("look", parameters={}, outputs=[], work=lambda: None) for _ in range(2)]
    assert results == [True, True]


def test_work_that_fails_or_leaves_out_an_output_is_not_recorded(study: Study) -> None:
    record = Record(study.root)

    def fails() -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        record.step("predict", parameters={}, outputs=["out.txt"], work=fails)
    with pytest.raises(UnreadableFileError) as caught:
        record.step("predict", parameters={}, outputs=["out.txt"], work=lambda: None)
    assert str(caught.value) == f"{study.root / 'out.txt'}: cannot be read: No such file or directory"
    assert record.entries() == []


def test_a_missing_input_is_named_before_any_work(study: Study) -> None:
    (study.root / "in.txt").unlink()
    with pytest.raises(UnreadableFileError) as caught:
        study.run()
    assert str(caught.value) == f"{study.root / 'in.txt'}: cannot be read: No such file or directory"
    assert study.done == 0


def test_a_line_cut_off_by_a_kill_means_the_step_is_done_again(study: Study) -> None:
    study.run()
    record = Record(study.root)
    whole = record.path.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        record.path.write_bytes(whole[:length])
        assert Record(study.root).entries() == []
        assert study.run()
        assert len(Record(study.root).entries()) == 1, "the new line stands alone"
        assert not study.run()


def test_a_cut_in_the_middle_of_a_letter_loses_only_its_line(study: Study) -> None:
    study.run(channel="a")
    record = Record(study.root)
    with record.path.open("ab") as stream:
        stream.write('{"step": "µ'.encode()[:-1])
    study.run(channel="b")
    assert [entry["parameters"] for entry in record.entries()] == [{"channel": "a"}, {"channel": "b"}]


def test_lines_that_are_no_entries_are_passed_over(study: Study) -> None:
    (study.root / "record.jsonl").write_text('null\n3\n{"outputs": {"out.txt": "1", "more": "2"}}\n\n')
    assert study.run()
    assert not study.run()


def test_the_latest_entry_of_a_file_is_given(study: Study) -> None:
    record = Record(study.root)
    assert record.latest("out.txt") is None
    study.run(record, a=1)
    study.run(record, a=2)
    for reader in (record, Record(study.root)):
        entry = reader.latest(Path("out.txt"))
        assert entry is not None
        assert entry["parameters"] == {"a": 2}
        assert reader.latest("in.txt") is None


WRITE_STEPS = """
import sys
from pathlib import Path
from veriscope.io.record import Record

root, process = Path(sys.argv[1]), sys.argv[2]
for index in range(40):
    output = f"{process}-{index}.txt"
    Record(root).step(
        "measure",
        parameters={"images": [process * 40_000]},  # a line far beyond any buffer
        outputs=[output],
        work=lambda: (root / output).write_text(output) and None,
    )
"""


def test_lines_of_two_processes_do_not_mix(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITE_STEPS, tmp_path, name]) for name in "ab"]
    assert [process.wait() for process in processes] == [0, 0]
    lines = (tmp_path / "record.jsonl").read_bytes().splitlines()
    # A line seen while the other process is writing it is closed once more: empty lines are no fault.
    outputs = [name for line in lines if line for name in json.loads(line)["outputs"]]
    assert sorted(outputs) == sorted(f"{name}-{index}.txt" for name in "ab" for index in range(40))


def test_a_package_under_another_name_is_recorded_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veriscope.io.record._PACKAGES", ("numpy", "onnxruntime-of-another-name"))
    packages = environment.__wrapped__()["packages"]
    assert packages["numpy"]
    assert packages["onnxruntime-of-another-name"] is None


def test_an_entry_says_what_the_step_cost(tmp_path: Path) -> None:
    (tmp_path / "in.bin").write_bytes(bytes(1000))

    def work() -> Mapping[str, Any]:
        held = bytearray(b"1") * (64 << 20)
        (tmp_path / "out").mkdir()
        (tmp_path / "out/a").write_bytes(held[:3000])
        return {"gpu_s": 0.5, "n_objects": 3}

    assert Record(tmp_path).step("predict", inputs=["in.bin"], parameters={}, outputs=["out"], work=work)
    (entry,) = Record(tmp_path).entries()
    cost = entry["cost"]
    assert (cost["bytes_read"], cost["bytes_written"], cost["gpu_s"]) == (1000, 3000, 0.5)
    assert cost["cpu_s"] >= 0
    assert cost["peak_memory_bytes"] > 64 << 20
    assert "wall_s" not in cost and entry["wall_s"] >= 0
    assert entry["details"] == {"gpu_s": 0.5, "n_objects": 3}


def test_a_record_in_another_process_keeps_its_lines_for_the_one_that_sent_it(tmp_path: Path) -> None:
    here = Record(tmp_path)
    (tmp_path / "in").write_text("in")

    def do(record: Record, name: str) -> bool:
        work = lambda: (tmp_path / name).write_text(name) and None  # noqa: E731
        return record.step("s", inputs=["in"], parameters={}, outputs=[name], work=work)

    there = pickle.loads(pickle.dumps(here))
    assert do(there, "a") and not do(there, "a"), "it knows its own lines"
    assert not here.path.exists()
    lines = there.kept()
    assert (len(lines), there.kept()) == (1, [])
    here.add(lines)
    assert not do(here, "a") and do(here, "b")
    assert here.kept() == []
    assert [list(entry["outputs"]) for entry in Record(tmp_path).entries()] == [["a"], ["b"]]
