"""The cores that a process may use, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from veriscope.core.cores import usable_cores
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence

needs_masks = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs a system that ties processes to cores, and two of them",
)


def run_on_one_core(code: str, *arguments: str) -> str:
    core = min(os.sched_getaffinity(0))
    start = f"import os; os.sched_setaffinity(0, {{{core}}})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@needs_masks
def test_a_process_that_was_given_one_core_counts_one() -> None:
    code = "from veriscope.core.cores import usable_cores; print(usable_cores())"
    assert run_on_one_core(code) == "1"
    assert usable_cores() == len(os.sched_getaffinity(0))


def test_where_the_system_does_not_tell_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


# Left alone, ONNX Runtime ties each thread to a core of the computer, whatever the process was given.
_THREADS_OF_AN_ENGINE = """
import os, sys
from pathlib import Path
import numpy as np
from veriscope.methods.networks.engines import ENGINES
run = ENGINES["onnxruntime"].open(Path(sys.argv[1]).read_bytes())
run(np.zeros((1, 1, 256, 256), np.float32))
allowed = [os.sched_getaffinity(int(task.name)) for task in Path("/proc/self/task").iterdir()]
print(len(set().union(*allowed)))
"""


@needs_masks
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs the threads that Linux lists")
def test_a_network_keeps_to_the_cores_of_its_process() -> None:
    weights = NucleiFluorescence.package.weights("float32")
    assert run_on_one_core(_THREADS_OF_AN_ENGINE, str(weights)) == "1"
