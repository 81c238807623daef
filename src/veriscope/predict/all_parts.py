"""All parts of an image: surveyed and planned, then predicted, wherever that is; resumable."""

from __future__ import annotations

import math
from typing import Any

from veriscope.core.progress import Progress
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.plan import memory_of_part, plan_tiles, require_memory, require_survey_memory
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
) -> TileWork:
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
        Number of processes that share the memory.

    Returns
    -------
    TileWork
        To be done, part by part.

    Raises
    ------
    InputError
        If the memory does not suffice, or the folder holds an unfinished run of something else.
    """
    more, held = _MAP_BYTES if maps else 0, pixels.stored.kept_bytes
    require_memory(pixels.shape, method.bytes_per_pixel + more, memory, workers, held)
    if memory is not None:
        method.limit_memory(memory_of_part(memory, workers, held))
        require_survey_memory(method.survey_bytes(pixels.shape), memory, workers, held)
    before = unfinished.begin()
    surveying = SurveyWork(method, pixels, unfinished.folder / "surveys")
    moments = range(pixels.n_times or 1)
    missing = [moment for moment in moments if not surveying.path(moment).exists()]
    for _ in (executor if len(missing) > 1 else HereExecutor()).run(surveying, missing):
        pass
    surveys = tuple(surveying.read(moment) for moment in moments)
    footprints = [method.footprint(survey) for survey in surveys]
    plan = plan_tiles(
        pixels.shape,
        max(footprints, key=lambda found: found.reach + found.largest),
        bytes_per_pixel=max(method.part_bytes(survey) for survey in surveys) + more,
        memory=memory,
        workers=workers,
        tile=tile,
        held=held,
    )
    sides = before if before is not None and tile is None else plan.tile
    unfinished.settle(sides, before)
    return TileWork(method, pixels, surveys, sides, unfinished.parts, maps, plan.largest_crop)


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
