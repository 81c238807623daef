"""Learning from images without labels: the averaged network teaches the one that learns.

After Tarvainen & Valpola, Mean teachers are better role models, NeurIPS 2017. Both see the same crop, each
through another microscope; what the teacher says of its view, the pupil must say of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veriscope.training.images.light import Augmentation, change_light
from veriscope.training.loop.learn import Prepared, make_sampler
from veriscope.training.loop.lesson import Lesson

__all__ = ["Consistency"]

_WARM_UP = 200
"""Steps over which the teacher's word gains its weight: at first it knows nothing."""


class Consistency:
    """The loss of a pupil that contradicts its teacher.

    Parameters
    ----------
    lesson
        What is learned; its settings have the weight.
    images
        Prepared images without labels.
    size
        Side of a crop in pixels.
    """

    def __init__(self, lesson: Lesson, images: Sequence[Prepared], *, size: int) -> None:
        self.lesson = lesson
        plain = Augmentation(style="fluorescence", stain=0, optics=0, camera=0, empty=0)
        plain = plain.model_copy(update={"scale": lesson.augmentation.scale})
        seed = lesson.settings.seed + 1
        self.sampler = make_sampler(lesson, images, plain, size=size, seed=seed)
        self.seed = seed
        self.n = max(1, lesson.settings.batch // 2)

    def __call__(self, network: nn.Module, teacher: nn.Module, step: int) -> Tensor:
        """Give the loss.

        Parameters
        ----------
        network
            The pupil.
        teacher
            Its average, in evaluation mode.
        step
            Number of the step, which decides the crops.

        Returns
        -------
        torch.Tensor
            Scalar: mean square of the difference of what both would export, times its weight.
        """
        pixels, _ = self.sampler.batch(step, self.n)
        rng = np.random.default_rng((self.seed, step, 1))
        views = [self._views(pixels.numpy(), rng) for _ in range(2)]
        device = self.lesson.device
        with torch.no_grad():
            taught = self.lesson.head.exported(teacher(views[0].to(device)).float())
        said = self.lesson.head.exported(network(views[1].to(device)).float())
        weight = self.lesson.settings.consistency * min(1.0, step / _WARM_UP)
        return weight * (said - taught).square().mean()

    def _views(self, pixels: NDArray[np.float32], rng: np.random.Generator) -> Tensor:
        changed = [change_light(one, self.lesson.augmentation, rng) for one in pixels]
        return torch.from_numpy(np.stack(changed).astype(np.float32))
