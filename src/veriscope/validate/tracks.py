"""Objects followed over time: label images whose labels are track numbers, and a table of their lineage.

The form is that of the Cell Tracking Challenge (``man_track.txt``, ``res_track.txt``): a track is one object
without interruption. A division ends the track of the mother and begins one for each daughter, with the
mother as parent. An object that is lost for some frames is two tracks, the second with the first as parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.core.labels import check_labels
from veriscope.errors import AxesError, TableError, VeriscopeError, raise_together

__all__ = ["Lineage", "Tracks", "check_frame", "check_tracks", "label_faults", "raise_faults"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Lineage:
    """Table of tracks: one row per track, sorted by its number.

    Parameters
    ----------
    tracks
        Track numbers, above 0: the labels of the objects, shape (n,).
    first, last
        First and last frame of each track, from 0, both inclusive, shape (n,).
    parents
        Number of the track that each comes from, 0 = none, shape (n,).

    Notes
    -----
    The frames of the tracks, one after the other, are the *vertices* of a graph: vertex ``starts[k] + t -
    first[k]`` is track ``tracks[k]`` in frame t. So a table with faults has no vertices, see `faults`.
    """

    tracks: IntArray
    first: IntArray
    last: IntArray
    parents: IntArray

    @classmethod
    def from_rows(cls, rows: ArrayLike, *, where: str = "lineage") -> Lineage:
        """Take the table from rows of track, first frame, last frame, parent.

        Parameters
        ----------
        rows
            Shape (n, 4), whole numbers, in any order; ``[]`` for no track.
        where
            Names the table, for messages.

        Returns
        -------
        Lineage
            Sorted by track. Its content is not judged yet, see `faults`.

        Raises
        ------
        TableError
            If it has not four columns, or a value is no whole number of at most 2⁶³ - 1 (as a floating-point
            number 2⁵³, beyond which these skip numbers).
        """
        try:
            table = np.asarray(rows)
            table = table if table.dtype.kind in "iu" else table.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"{where}: the table is no rows of four numbers ({error})") from None
        if table.size == 0:
            table = table.reshape(0, 4)
        if table.ndim != 2 or table.shape[1] != 4:
            raise TableError(
                f"{where}: the table has shape {table.shape}; give one row per track with four columns: "
                "track, first frame, last frame, parent (0 = none)"
            )
        bad = ~(np.isfinite(table) & (table == np.floor(table)))
        if bad.any():
            raise TableError(
                f"{where}: {int(bad.sum())} values are no whole numbers, the first is {table[bad][0]:g}; "
                "tracks and frames are counted"
            )
        largest = 2**53 if table.dtype.kind == "f" else int(np.iinfo(np.int64).max)
        beyond = max(int(table.max(initial=0)), -int(table.min(initial=0)))
        if beyond > largest:
            raise TableError(
                f"{where}: {beyond} is too large a number; give whole numbers up to {largest}, and number "
                "the tracks anew if theirs are larger"
            )
        table = table[np.argsort(table[:, 0], kind="stable")]
        return cls(*(np.ascontiguousarray(column) for column in table.T.astype(np.int64)))

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @property
    def n_vertices(self) -> int:
        """Number of objects in all frames together."""
        return int((self.last - self.first + 1).sum())

    @property
    def starts(self) -> IntArray:
        """First vertex of each track, shape (n,)."""
        lengths = self.last - self.first + 1
        return np.asarray(np.cumsum(lengths) - lengths, dtype=np.int64)

    @property
    def parent_rows(self) -> IntArray:
        """Row of the parent of each track, -1 where there is none, shape (n,)."""
        rows = np.searchsorted(self.tracks, self.parents)
        return np.asarray(np.where(self.parents > 0, rows, -1), dtype=np.int64)

    def rows_of_vertices(self) -> IntArray:
        """Give the row of the track of each vertex.

        Returns
        -------
        numpy.ndarray
            Shape (n_vertices,).
        """
        return np.repeat(np.arange(self.n_tracks), self.last - self.first + 1)

    def frames_of_vertices(self) -> IntArray:
        """Give the frame of each vertex.

        Returns
        -------
        numpy.ndarray
            Shape (n_vertices,).
        """
        rows = self.rows_of_vertices()
        return np.asarray(np.arange(len(rows)) - (self.starts - self.first)[rows], dtype=np.int64)

    def faults(self, *, where: str = "lineage") -> list[VeriscopeError]:
        """Say what is wrong with the table by itself.

        Parameters
        ----------
        where
            Names the table, for messages.

        Returns
        -------
        list of TableError
            One per fault; empty if all holds.
        """
        found: list[VeriscopeError] = []
        numbers, counts = np.unique(self.tracks, return_counts=True)
        for track, count in zip(numbers[counts > 1], counts[counts > 1], strict=True):
            found.append(TableError(f"{where}: track {track} has {count} rows; give one row per track"))
        last_of = dict(zip(self.tracks.tolist(), self.last.tolist(), strict=True))
        for row in zip(self.tracks, self.first, self.last, self.parents, strict=True):
            track, first, last, parent = map(int, row)
            if track < 1:
                found.append(TableError(f"{where}: track {track} is not allowed; number them from 1"))
            if first < 0 or last < first:
                found.append(
                    TableError(
                        f"{where}: track {track} lasts from frame {first} to {last}; frames count from 0, "
                        "and the last is not before the first"
                    )
                )
            if parent != 0 and parent not in last_of:
                found.append(
                    TableError(f"{where}: parent {parent} of track {track} is not in the table; 0 = none")
                )
            elif parent != 0 and last_of[parent] >= first:
                found.append(
                    TableError(
                        f"{where}: track {track} starts in frame {first}, but its parent {parent} ends in "
                        f"frame {last_of[parent]}; a parent ends before its children start"
                    )
                )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """A sequence of label images over time with its lineage.

    Parameters
    ----------
    frames
        Label image of each frame, (y, x) or (z, y, x), integer, 0 = background; labels are track numbers.
        An array (t, y, x) or (t, z, y, x), a list, or anything that gives one image after the other: each
        is looked at once and not kept. A generator can be used for one comparison only.
    lineage
        Table of the tracks.
    name
        Names the sequence, for messages and results.
    """

    frames: Iterable[NDArray[Any]]
    lineage: Lineage
    name: str = "tracks"


def check_frame(frame: Any, *, where: str) -> NDArray[Any]:
    """Refuse anything but a label image of two or three axes.

    Parameters
    ----------
    frame
        Label image of one frame.
    where
        Names it, for messages.

    Returns
    -------
    numpy.ndarray
        The image.

    Raises
    ------
    AxesError
        If it has not two or three axes.
    PixelValueError
        If it is no label image.
    """
    image = np.asarray(frame)
    if image.ndim not in (2, 3):
        raise AxesError(f"{where}: has shape {image.shape}; a frame has axes (y, x) or (z, y, x)")
    return image if image.dtype.kind == "u" else check_labels(image, where=where)


def label_faults(
    lineage: Lineage, labels: Sequence[IntArray], *, where: str = "tracks"
) -> list[VeriscopeError]:
    """Say where table and label images disagree.

    Parameters
    ----------
    lineage
        Table of the tracks.
    labels
        Labels that occur in each frame, each once, without 0.
    where
        Names the sequence, for messages.

    Returns
    -------
    list of TableError
        One per track with a fault; empty if each track is in the frames from its first to its last, and
        nowhere else.
    """
    n_frames = len(labels)
    seen: dict[int, list[int]] = {}
    for frame, present in enumerate(labels):
        for track in present.tolist():
            seen.setdefault(track, []).append(frame)
    found: list[VeriscopeError] = []
    for row in zip(lineage.tracks, lineage.first, lineage.last, strict=True):
        track, first, last = map(int, row)
        frames = seen.pop(track, [])
        if last >= n_frames:
            found.append(
                TableError(
                    f"{where}: track {track} ends in frame {last}, but "
                    f"{f'the frames are 0 to {n_frames - 1}' if n_frames else 'there is no frame'}"
                )
            )
        expected = range(max(first, 0), min(last, n_frames - 1) + 1)
        absent = sorted(set(expected) - set(frames))
        if absent:
            found.append(
                TableError(
                    f"{where}: track {track} lasts from frame {first} to {last}, but frames {_shown(absent)} "
                    "have no such label; a track has no gaps: end it there, and begin another one with it as "
                    "parent where the object comes back"
                )
            )
        beyond = [frame for frame in frames if not first <= frame <= last]
        if beyond:
            found.append(
                TableError(
                    f"{where}: label {track} is in frames {_shown(beyond)}, but its track lasts from frame "
                    f"{first} to {last}"
                )
            )
    found += [
        TableError(f"{where}: label {track} is in frames {_shown(frames)}, but is no track of the table")
        for track, frames in sorted(seen.items())
    ]
    return found


def check_tracks(tracks: Tracks) -> None:
    """Refuse a sequence whose table has faults or does not fit its label images.

    Parameters
    ----------
    tracks
        The sequence; its frames are looked at one after the other.

    Raises
    ------
    TableError
        With all faults together.
    AxesError, PixelValueError
        If a frame is no label image; the message names it.
    """
    labels = []
    for number, frame in enumerate(tracks.frames):
        present = np.unique(check_frame(frame, where=f"{tracks.name}, frame {number}"))
        labels.append(present[present > 0].astype(np.int64))
    raise_faults([(tracks, labels)])


def raise_faults(sequences: Sequence[tuple[Tracks, Sequence[IntArray]]]) -> None:
    """Raise all faults of some sequences, whose labels are known, as one error.

    Parameters
    ----------
    sequences
        Sequences and the labels of each of their frames.

    Raises
    ------
    TableError
        If there is a fault.
    """
    faults = [
        fault
        for tracks, labels in sequences
        for fault in (
            *tracks.lineage.faults(where=tracks.name),
            *label_faults(tracks.lineage, labels, where=tracks.name),
        )
    ]
    raise_together(faults, what=f"{len(faults)} faults in tracks")


def _shown(frames: Sequence[int]) -> str:
    """Write up to five frames."""
    more = f" and {len(frames) - 5} more" if len(frames) > 5 else ""
    return ", ".join(map(str, frames[:5])) + more
