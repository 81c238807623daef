"""Click-to-segment in the server: one model, one image at a time, and no work that nobody waits for."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cores import usable_cores
from veriscope.methods.prompts.prompt import Prompt
from veriscope.methods.prompts.segmenter import Embedding, Outline, PromptSegmenter
from veriscope.server.problems import ProblemError
from veriscope.zoo.segmenter_cache import SegmenterRecord, load_segmenter

__all__ = ["Segmenting", "files_hash", "runs_of"]

T = TypeVar("T")
_MOST_BYTES = 128 << 20
_MOST_WAITING = 24
_LOOK_SECONDS = 0.25
_MOST_SHOWN = 20_000


def files_hash(record: SegmenterRecord) -> str:
    """Name the weights of a model.

    Parameters
    ----------
    record
        Of the model.

    Returns
    -------
    str
        SHA-256 of the hashes of its files.
    """
    lines = "".join(f"{sha256}  {file}\n" for file, sha256 in sorted(record.files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def runs_of(mask: NDArray[np.bool_]) -> list[int]:
    """Write a mask as runs.

    Parameters
    ----------
    mask
        Boolean, (y, x).

    Returns
    -------
    list of int
        First pixel, counted row by row, and length, in turn; no run goes over the end of a row.
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    first = starts[:, 0] * mask.shape[1] + starts[:, 1]
    found: list[int] = np.column_stack([first, ends[:, 1] - starts[:, 1]]).ravel().tolist()
    return found


@dataclass(frozen=True, slots=True)
class _Image:
    """What a model said of an image, and to the clicks on the object that was pointed at last."""

    embedding: Embedding
    said: dict[Prompt, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        return self.embedding.values.nbytes + sum(mask.nbytes for mask in self.said.values())

    def keep(self, prompt: Prompt) -> None:
        for other in self.said.keys() - set(prompt.steps()):
            del self.said[other]


class Segmenting:
    """Reads images with a model and answers clicks, in one thread of its own.

    The arithmetic lets go of the interpreter's lock and leaves one core free, so that other requests are
    answered meanwhile. What the model said of an image is kept, newest first, within 128 MB.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segmenting")
        self._waiting: dict[Hashable, Future[Any]] = {}
        self._loaded: tuple[str, PromptSegmenter] | None = None
        self._images: OrderedDict[Hashable, _Image] = OrderedDict()
        self._shown: OrderedDict[Hashable, None] = OrderedDict()
        self._guard = threading.Lock()
        self.n_embedded = 0
        """Images read so far."""

    @property
    def n_waiting(self) -> int:
        """Questions that are worked on or wait for it."""
        return sum(not item.done() for item in self._waiting.values())

    async def answer(self, who: Hashable, work: Callable[[], T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """Have work done in turn; what the same person asked before and was not begun is dropped.

        Parameters
        ----------
        who
            Who asks, and of what: only the newest question of each is worth an answer.
        work
            To be done in the thread.
        is_gone
            Whether the caller has hung up.

        Returns
        -------
        object
            What `work` gives.

        Raises
        ------
        ProblemError
            409 if a newer question came or the caller is gone, 503 if too many wait.
        """
        if (earlier := self._waiting.get(who)) is not None:
            earlier.cancel()
        if self.n_waiting >= _MOST_WAITING:
            raise ProblemError.make(
                503,
                f"{self.n_waiting} people wait for the model already.",
                "Click again in a moment, or draw by hand.",
                title="The model is busy",
            )
        future = self._thread.submit(work)
        self._waiting[who] = future
        answer = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait({answer}, timeout=_LOOK_SECONDS))[0]:
                if await is_gone() and future.cancel():
                    break
            if future.cancelled():
                raise ProblemError.make(
                    409, "A newer click took the place of this one.", title="Not needed any more"
                )
            return await answer
        finally:
            if self._waiting.get(who) is future:
                del self._waiting[who]

    def outline(
        self,
        record: SegmenterRecord,
        content: Hashable,
        read: Callable[[], tuple[NDArray[Any], bool]],
        prompt: Prompt | None,
    ) -> Outline | None:
        """Give the object that a prompt shows; in the thread of `answer`.

        Parameters
        ----------
        record
            Of the model.
        content
            Names the pixels: another one where they have changed.
        read
            Gives the pixels, (c, y, x), and whether they are the colours of a photograph.
        prompt
            What was pointed at; None: only read the image.

        Returns
        -------
        Outline or None
            None without a prompt.

        Raises
        ------
        InputError, MethodError
            As `PromptSegmenter`.
        """
        segmenter = self._open(record)
        key = (files_hash(record), content)
        image = self._images.get(key)
        if image is None:
            pixels, is_colour = read()
            try:
                image = self._images[key] = _Image(segmenter.embed(pixels, is_colour=is_colour))
            except MemoryError as error:
                raise ProblemError.make(
                    503,
                    f"{error}.",
                    "Add a smaller model on the server, or draw by hand.",
                    title="The model is too large for this server",
                ) from None
            self.n_embedded += 1
        outline = None
        if prompt is not None:
            outline = segmenter.segment(image.embedding, prompt, image.said)
            image.keep(prompt)
        self._images.move_to_end(key)
        while sum(item.n_bytes for item in self._images.values()) > _MOST_BYTES:
            self._images.popitem(last=False)
        return outline

    def is_first(self, shown: Hashable) -> bool:
        """Tell whether something is shown for the first time since the server was started.

        Parameters
        ----------
        shown
            What was shown to whom.

        Returns
        -------
        bool
            True once; again after a very long time.
        """
        with self._guard:
            if shown in self._shown:
                return False
            self._shown[shown] = None
            while len(self._shown) > _MOST_SHOWN:
                self._shown.popitem(last=False)
            return True

    def close(self) -> None:
        """Drop what waits, and let go of the model."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._loaded = None

    def _open(self, record: SegmenterRecord) -> PromptSegmenter:
        """Give the model; one is kept open, and opened anew when its files are others."""
        wanted = f"{record.name} {files_hash(record)}"
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = None  # two would not fit into the memory of a small computer
            self._loaded = (wanted, load_segmenter(record.name, threads=max(1, usable_cores() - 1)))
        return self._loaded[1]
