"""All parts of an image: surveyed and planned, then predicted, wherever that is; resumable."""

from __future__ import annotations

import functools
import math
from typing import Any

from veriscope.core.progress import Progress
from veriscope.errors import InputError
from veriscope.methods.local_method import LocalMethod, Survey
from veriscope.predict.concurrency import limit_workers, most_workers, plan_parts, threads_of
from veriscope.predict.plan import Plan, memory_of_part, require_memory, require_survey_memory
from veriscope.predict.reading import ChannelSource
from veriscope.predict.tile_work import SurveyWork, TileWork
from veriscope.predict.unfinished import Unfinished
from veriscope.predict.units import Executor, HereExecutor

__all__ = ["begin_parts", "predict_parts"]

_MAP_BYTES = 8


def begin_parts(
    method: LocalMethod,
    pixels: ChannelSource,
    unfinished: Unfinished,
    executor: Executor,
    *,
    maps: bool = False,
    tile: int | None = None,
    memory: int | None = None,
    workers: int = 1,
) -> tuple[TileWork, Plan]:
    """Survey and plan, or take up the survey and the plan of a run that was stopped.

    Parameters
    ----------
    method
        Ready to predict.
    pixels
        The image.
    unfinished
        Where the files of surveys and parts go.
    executor
        Where time points are surveyed, if there are several.
    maps
        Keep also the probability of each pixel.
    tile
        Length of the parts in pixels; None: chosen.
    memory
        Bytes for all `workers` together; None: not limited.
    workers
        Most processes that share the memory.

    Returns
    -------
    TileWork, Plan
        To be done, part by part, in as many processes as the plan says; the executor is limited to them.

    Raises
    ------
    InputError
        If the memory does not suffice, or the folder holds an unfinished run of something else.
    """
    more, held = _MAP_BYTES if maps else 0, pixels.stored.kept_bytes
    require_memory(pixels.shape, method.bytes_per_pixel + more, memory, held)
    if memory is not None:
        require_survey_memory(method.survey_bytes(pixels.shape), memory, held)
    before = unfinished.begin()
    surveys = _surveys(method, pixels, unfinished, executor, memory, workers)
    footprints = [method.footprint(survey) for survey in surveys]
    choose = functools.partial(
        plan_parts,
        pixels.shape,
        max(footprints, key=lambda found: found.reach + found.largest),
        bytes_per_pixel=max(method.part_bytes(survey) for survey in surveys) + more,
        memory=memory,
        workers=workers,
        held=held,
        piece=pixels.stored.chunk_bytes,
        threaded=method.threaded,
        remembers=method.remembers(),
    )
    try:
        plan = choose(tile=max(before) if tile is None and before is not None else tile)
    except InputError:
        if tile is not None or before is None:
            raise
        # The parts of the run that was stopped do not fit the memory that is promised now.
        plan = choose(tile=None)
    if memory is not None:
        method.limit_memory(memory_of_part(memory, plan.workers, held))
    limit_workers(executor, plan.workers, threads_of(plan.workers, workers))
    unfinished.settle(plan, before)
    return TileWork(method, pixels, surveys, plan.tile, unfinished.parts, maps, plan.largest_crop), plan


def _surveys(
    method: LocalMethod,
    pixels: ChannelSource,
    unfinished: Unfinished,
    executor: Executor,
    memory: int | None,
    workers: int,
) -> tuple[Survey, ...]:
    """Survey each time point, in as many processes as the memory allows; a single one in this process."""
    surveying = SurveyWork(method, pixels, unfinished.folder / "surveys")
    moments = range(pixels.n_times or 1)
    missing = [moment for moment in moments if not surveying.path(moment).exists()]
    several = len(missing) > 1
    if memory is not None:
        needed, held = method.survey_bytes(pixels.shape), pixels.stored.kept_bytes
        at_once = 1
        if several:
            at_once = most_workers(workers, lambda number: memory_of_part(memory, number, held) >= needed)
        method.limit_memory(memory_of_part(memory, at_once, held))
        limit_workers(executor, at_once)
    for _ in (executor if several else HereExecutor()).run(surveying, missing):
        pass
    return tuple(surveying.read(moment) for moment in moments)


def predict_parts(work: TileWork, executor: Executor, progress: Progress, *, stage: str) -> dict[str, Any]:
    """Predict all parts that are not done yet.

    Parameters
    ----------
    work
        From `begin_parts`.
    executor
        Where.
    progress
        Told about every part.
    stage
        What to call it there.

    Returns
    -------
    dict
        ``n_parts``, how many were done now (``n_parts_now``), and what these took: ``n_pixels`` predicted,
        which is ``work`` times those of the parts, how often surroundings were enlarged (``n_grown``) and
        parts were cut for want of memory (``n_cut``).
    """
    units = len(work.parts()) * len(work.surveys)
    missing = [unit for unit in range(units) if not work.is_done(unit)]
    spent: dict[str, Any] = {"n_parts": units, "n_parts_now": len(missing)}
    spent |= dict.fromkeys(("n_grown", "n_cut", "n_pixels"), 0)
    done = units - len(missing)
    progress(stage, done, units)
    for _, result in executor.run(work, missing):
        done += 1
        progress(stage, done, units)
        for name in ("n_grown", "n_cut", "n_pixels"):
            spent[name] += result[name]
    parts = work.parts()
    pixels = sum(math.prod(s.stop - s.start for s in parts[unit % len(parts)]) for unit in missing)
    return spent | {"work": round(spent["n_pixels"] / pixels, 2) if pixels else 0.0}
