"""A method by name, made ready to predict: trained first where it needs that."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from veriscope.errors import InputError, MethodError
from veriscope.io.folders import find_images
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.pairing import pair_by_stem
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.registry import make_method

__all__ = ["Trainable", "method_for_files"]


@runtime_checkable
class Trainable(Protocol):
    """A method that learns from annotated images, or from annotated parts of them."""

    def fit(self, images: object, labels: object, *, regions: object = None) -> Method:
        """Train.

        Parameters
        ----------
        images
            One channel each, whole images.
        labels
            Label image of each, or of its region.
        regions
            The part of each image that is annotated, slices along y and x; None: all of it.

        Returns
        -------
        Method
            A trained method; the one called stays as it was.
        """


def method_for_files(
    name: str, parameters: dict[str, Any], *, train: Path | None = None, channel: str | None = None
) -> Method:
    """Make a method ready to predict files, trained first if it needs that.

    Parameters
    ----------
    name
        Name of an installed method.
    parameters
        Its options.
    train
        Folder with ``images/`` and ``labels/`` to train on.
    channel
        Channel to train on.

    Returns
    -------
    Method
        Ready to predict.

    Raises
    ------
    MethodError
        If the method is unknown, needs training data and has none, or has some and needs none.
    InputError
        If an option or a file cannot be used.
    """
    method = make_method(name, parameters)
    if not method.needs_training:
        if train is not None:
            raise MethodError(f"{name} does not learn; leave out --train")
        method.make_ready()
        return method
    if train is None:
        raise MethodError(f"{name} must be trained: give --train FOLDER with images/ and labels/")
    if not isinstance(method, Trainable):
        raise MethodError(f"{method.name} has no fit(images, labels, regions=…), so it cannot be trained")
    raw, annotated = find_images(train / "images"), find_images(train / "labels")
    if not {file.stem for file in raw} & {file.stem for file in annotated}:
        raise InputError(
            f"{train}: none of {len(raw)} files in images/ is named as one of {len(annotated)} in labels/; "
            "give an image and its label image the same name, without the ending"
        )
    pairing = pair_by_stem(raw, annotated, partial=True)
    images = [analysis_channel(read_image(pair.reference), channel) for pair in pairing.pairs]
    return method.fit(images, [read_labels(pair.prediction) for pair in pairing.pairs])
