"""Letting Zarr end what it is at when one of its chunks cannot be read or written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

__all__ = ["tasks_ended"]

_ROUNDS = 3
"""Tasks that end may have started others; those of other threads keep coming."""


@contextlib.contextmanager
def tasks_ended() -> Iterator[None]:
    """After an error in the block, wait for what Zarr began beside the chunk that failed.

    Zarr reads and writes many chunks at the same time. Where one fails it raises at once and leaves the
    others under way: they would go on with a file that is closed, and their errors be printed when the
    program ends.

    Yields
    ------
    None
        The block reads or writes an array.
    """
    try:
        yield
    except Exception:
        from zarr.core.sync import sync

        sync(_end())
        raise


async def _end() -> None:
    for _ in range(_ROUNDS):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if not others:
            return
        await asyncio.gather(*others, return_exceptions=True)
