"""Kills prediction of one image again and again, at any place, and compares what comes of it.

Arguments: image, output, expected hash, number of kills, seed. Children are forked, so that nothing is
imported anew; each kills itself with SIGKILL, or is killed after a while. Prints how many were killed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from veriscope.io import atomic
from veriscope.io.hashing import sha256_of
from veriscope.io.sheet_store import SheetStore
from veriscope.predict.image import predict_image
from veriscope.predict.unfinished import Unfinished
from veriscope.registry import make_method

PLACES: list[tuple[Any, str]] = [
    (atomic, "_put_in_place"),
    (atomic, "_flush"),
    (SheetStore, "write"),
    (SheetStore, "finish"),
    (Unfinished, "clear"),
]


def die_at(owner: Any, name: str, nth: int, *, after: bool) -> None:
    action, left = getattr(owner, name), [nth]

    def wrapped(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = action(*arguments, **options)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


def attempt(image: Path, output: Path, rng: random.Random) -> bool:
    """Run in a child that dies; whether it was killed before it had finished."""
    owner, name = rng.choice(PLACES)
    nth = rng.randint(1, 12) if owner is atomic else rng.randint(1, 2)
    by_clock, delay, after, tile = (
        rng.random() < 0.3,
        rng.uniform(0, 0.15),
        rng.random() < 0.5,
        rng.choice((40, None)),
    )
    child = os.fork()
    if child == 0:
        if not by_clock:
            die_at(owner, name, nth, after=after)
        predict_image(make_method("log-spots", {"diameter": 9}), image, output, tile=tile)
        os._exit(0)
    if by_clock:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
        sys.exit("a child failed")
    return os.waitstatus_to_exitcode(status) != 0


def main() -> None:
    image, output, expected = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    wanted, rng = int(sys.argv[4]), random.Random(int(sys.argv[5]))
    os.fsync = lambda _: None  # a killed process loses nothing that it has written
    killed = finished = 0
    while killed < wanted or not output.exists():
        if attempt(image, output, rng):
            killed += 1
            continue
        finished += 1
        if sha256_of(output) != expected:
            sys.exit(f"other bytes after {killed} kills")
        left = sorted(path.name for path in output.parent.iterdir())
        if left != [output.name, output.name.replace("ome.zarr", "record.json")]:
            sys.exit(f"left behind: {left}")
        shutil.rmtree(output)
    print(killed, finished)


if __name__ == "__main__":
    main()
