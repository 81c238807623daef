"""Which plane of a stack, and which time of a time-lapse, a study looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from veriscope.core.words import counted
from veriscope.errors import InputError

__all__ = ["Depth", "Plane", "PlaneChoice", "Projection", "Time"]

Projection = Literal["max", "mean"]
Depth = int | Literal["max", "mean", "middle"]
"""A plane from 0, the one in the middle, or the maximum or mean over all."""
Time = int | Literal["each"]
"""A time point from 0, or each of them as an image of its own."""

_CHOICES = {
    "z": "z=max (the brightest along z), z=mean, z=middle or z=14 (a plane, from 0)",
    "t": "t=each (every time point as an image of its own) or t=0",
}
_WRITTEN = f"write {_CHOICES['z']}; {_CHOICES['t']}; or both, such as z=max,t=each"


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of one image.

    Parameters
    ----------
    z
        Its place along z, or how all are projected; None: the image has no axis z.
    t
        Its time; None: the image has no axis t.
    """

    z: int | Projection | None = None
    t: int | None = None

    def __str__(self) -> str:
        parts = (("z", self.z), ("t", self.t))
        return ",".join(f"{axis}={value}" for axis, value in parts if value is not None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` of a plane gives.

        Parameters
        ----------
        text
            Such as ``z=max,t=3``, or empty.

        Returns
        -------
        Plane
            The plane.

        Raises
        ------
        ValueError
            If the text is something else.
        """
        found: dict[str, Any] = dict(part.split("=") for part in text.split(",") if part)
        z, t = found.pop("z", None), found.pop("t", None)
        if found:
            raise ValueError(f"{text!r} names no plane")
        return cls(z if z in (None, "max", "mean") else int(z), None if t is None else int(t))


@dataclass(frozen=True, slots=True)
class PlaneChoice:
    """What a user wants of stacks and time-lapses; images without these axes are taken as they are.

    Parameters
    ----------
    z
        Along z; None: not said.
    t
        Along t; None: not said.
    """

    z: Depth | None = None
    t: Time | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read a choice.

        Parameters
        ----------
        text
            Such as ``z=max``, ``z=14,t=0`` or ``t=each``; None or empty: nothing is said.

        Returns
        -------
        PlaneChoice
            The choice.

        Raises
        ------
        InputError
            If it cannot be understood, names another axis, or one twice.
        """
        parts = [part.partition("=") for part in (text or "").lower().replace(" ", "").split(",") if part]
        axes = [axis for axis, _, _ in parts]
        if not set(axes) <= set("zt") or len(set(axes)) < len(axes):
            raise InputError(
                f"plane {text!r} is for {', '.join(axes)}; give each of z and t once: {_WRITTEN}"
            )
        words = {"z": ("max", "mean", "middle"), "t": ("each",)}
        said: dict[str, Any] = {}
        for axis, _, value in parts:
            is_number = value.isascii() and value.isdigit()
            if value not in words[axis] and not is_number:
                raise InputError(f"plane {text!r}: {axis}={value} cannot be used; {_WRITTEN}")
            said[axis] = int(value) if is_number else value
        return cls(**said)

    def planes(self, axes: str, shape: tuple[int, ...], *, where: str) -> tuple[Plane, ...]:
        """Give the planes of an image that are wanted.

        Parameters
        ----------
        axes, shape
            Of the image.
        where
            What the image is, for messages.

        Returns
        -------
        tuple of Plane
            One; with ``t=each`` one per time point, in order.

        Raises
        ------
        InputError
            If the image has an axis of which nothing was said, or no such plane or time.
        """
        sizes = dict(zip(axes, shape, strict=True))
        depth, times = sizes.get("z"), sizes.get("t")
        open_axes = [axis for axis, said in (("z", self.z), ("t", self.t)) if axis in sizes and said is None]
        if open_axes:
            has = [
                *([counted(depth, "plane")] if depth else []),
                *([counted(times, "time point")] if times else []),
            ]
            ways = "; and ".join(_CHOICES[axis] for axis in open_axes)
            raise InputError(
                f"{where}: has {' and '.join(has)} (axes {axes!r}), and people annotate a study's audit on "
                f"planes; say which with --plane: {ways}. Methods for whole stacks run without a study "
                "(veriscope predict)."
            )
        for axis, wanted in (("z", self.z), ("t", self.t)):
            if axis in sizes and isinstance(wanted, int) and wanted >= sizes[axis]:
                raise InputError(
                    f"{where}: has no plane {axis}={wanted}; along {axis} it has 0 to {sizes[axis] - 1}"
                )
        z: int | Projection | None = None
        if depth is not None:
            z = (depth - 1) // 2 if self.z == "middle" else self.z
        if times is None:
            return (Plane(z),)
        return tuple(Plane(z, t) for t in (range(times) if self.t == "each" else (int(self.t or 0),)))
