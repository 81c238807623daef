"""Make the two ONNX files beside this one: a segmenter with the inputs and outputs of Segment Anything.

python tests/tiny_segmenter/make.py [FOLDER]        needs torch and onnx

It has no trained weights. The encoder folds the brightness of the picture into the embedding, 16 x 16
pixels into 256 channels; the decoder unfolds it and takes what is as bright as the places clicked, inside the
box, and nearer to clicks inside than outside; a mask that it is given is half believed. So a click on
a bright disc gives this disc, wherever it is: tests see whether coordinates, scaling, padding, the choice of
masks and what goes from one click to the next are right. All conventions
(names, shapes, half pixels, labels -1 to 3, the choice of token, the cut of full-size masks) are those of
Meta's export.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE, PATCH, LOW = 1024, 16, 256
MEAN, SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
HERE = Path(__file__).resolve().parent


class TinyEncoder(nn.Module):
    """(1, 3, 1024, 1024), mean subtracted and scaled, to (1, 256, 64, 64)."""

    def forward(self, x: Tensor) -> Tensor:
        bright = (x * torch.tensor(SPREAD).view(1, 3, 1, 1) + torch.tensor(MEAN).view(1, 3, 1, 1)).mean(
            1, keepdim=True
        )
        return F.pixel_unshuffle(bright / 255, PATCH)


class PreparingEncoder(nn.Module):
    """(y, x, 3) of any size up to 1024, 0 to 255, as samexporter's ``--use-preprocess``."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = TinyEncoder()

    def forward(self, input_image: Tensor) -> Tensor:
        x = ((input_image - torch.tensor(MEAN)) / torch.tensor(SPREAD)).permute(2, 0, 1)
        x = F.pad(x, (0, SIDE - x.shape[2], 0, SIDE - x.shape[1]))
        return self.encoder(x.unsqueeze(0))


class TinyDecoder(nn.Module):
    """Six arrays to masks, iou_predictions and low_res_masks."""

    def __init__(self, *, single: bool = False) -> None:
        super().__init__()
        self.single = single

    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        orig_im_size: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        picture = F.avg_pool2d(F.pixel_shuffle(image_embeddings, PATCH), SIDE // LOW)
        at = (point_coords[0] + 0.5) / SIDE * LOW  # in pixels of the low-resolution mask, 0 its outer edge
        kind = point_labels[0].view(-1, 1, 1)
        grid = torch.arange(LOW, dtype=torch.float32) + 0.5
        dy = grid.view(1, LOW, 1) - at[:, 1].view(-1, 1, 1)
        dx = grid.view(1, 1, LOW) - at[:, 0].view(-1, 1, 1)
        far = dy * dy + dx * dx
        has_inside = (kind == 1).float().amax()
        has_box = (kind == 2).float().amax()
        corners = torch.where((kind == 2) | (kind == 3), torch.ones_like(kind), torch.zeros_like(kind))
        middle = (at * corners.view(-1, 1)).sum(0) / corners.sum().clamp(min=1)
        # What is as bright as a place is within two pixels of it, on average.
        near = ((kind == 1) * (far < 4.5)).float().amax(0)
        in_middle = (
            (grid.view(LOW, 1) - middle[1]) ** 2 + (grid.view(1, LOW) - middle[0]) ** 2 < 4.5
        ).float()
        seeds = torch.where(has_inside > 0, near, in_middle)
        bright = (picture[0, 0] * seeds).sum() / seeds.sum().clamp(min=1)
        alike = 1 - (picture[0, 0] - bright).abs() / 0.25
        to_inside = torch.where(kind == 1, far, torch.full_like(far, 1e9)).amin(0)
        to_outside = torch.where(kind == 0, far, torch.full_like(far, 1e8)).amin(0)
        allowed = torch.where((has_inside > 0) & (to_outside < to_inside), -9.0, 9.0)
        low = torch.where(kind == 2, torch.minimum(dy, dx), torch.full_like(far, 1e6)).amin(0)
        high = torch.where(kind == 3, torch.minimum(-dy, -dx), torch.full_like(far, 1e6)).amin(0)
        within = torch.where(has_box > 0, torch.minimum(low, high) * 4, torch.full_like(low, 9.0))
        one = torch.minimum(torch.minimum(alike, allowed), within)
        # What was proposed before is half believed.
        one = one + 0.5 * has_mask_input.view(1, 1) * mask_input[0, 0].clamp(-1, 1)
        # One for many points; whole, part (brighter) and subpart of one click. The whole is the best.
        logits = torch.stack([one, one, one - 0.8, one - 0.95]).unsqueeze(0)
        quality = torch.tensor([[0.91, 0.88, 0.55, 0.21]]) + 0.0 * logits.mean()
        if self.single:
            weight = torch.tensor([[1000.0, 0.0, 0.0, 0.0]])
            best = torch.argmax(quality + (point_coords.shape[1] - 2.5) * weight, dim=1)
            logits = logits[torch.arange(1), best].unsqueeze(1)
            quality = quality[torch.arange(1), best].unsqueeze(1)
        return self.full_size(logits, orig_im_size), quality, logits

    def full_size(self, logits: Tensor, orig_im_size: Tensor) -> Tensor:
        masks = F.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        resized = torch.floor(SIDE / orig_im_size.max() * orig_im_size + 0.5).to(torch.int64)
        masks = masks[..., : resized[0], : resized[1]]
        size = orig_im_size.to(torch.int64)
        return F.interpolate(masks, size=(size[0], size[1]), mode="bilinear", align_corners=False)


def example() -> dict[str, Tensor]:
    """Arrays of the shapes with which Meta's script traces the decoder."""
    return {
        "image_embeddings": torch.rand(1, 256, SIDE // PATCH, SIDE // PATCH),
        "point_coords": torch.randint(0, SIDE, (1, 5, 2)).float(),
        "point_labels": torch.randint(0, 4, (1, 5)).float(),
        "mask_input": torch.rand(1, 1, LOW, LOW),
        "has_mask_input": torch.ones(1),
        "orig_im_size": torch.tensor([1500.0, 2250.0]),
    }


def export(model: nn.Module, arrays: dict[str, Tensor], path: Path, outputs: list[str], **axes: Any) -> None:
    """Write one network the way the public scripts do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            tuple(arrays.values()),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=list(arrays),
            output_names=outputs,
            dynamic_axes=axes,
        )


def make(folder: Path) -> None:
    """Write ``encoder.onnx`` and ``decoder.onnx``.

    Parameters
    ----------
    folder
        It exists.
    """
    torch.manual_seed(0)
    export(TinyEncoder(), {"x": torch.rand(1, 3, SIDE, SIDE)}, folder / "encoder.onnx", ["image_embeddings"])
    make_decoder(folder / "decoder.onnx")


def make_decoder(path: Path, *, single: bool = False) -> None:
    """Write a decoder that gives its four masks, or chooses one of them itself."""
    outputs = ["masks", "iou_predictions", "low_res_masks"]
    axes = {"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}}
    export(TinyDecoder(single=single), example(), path, outputs, **axes)


def make_preparing_encoder(path: Path) -> None:
    """Write an encoder that prepares its picture itself."""
    arrays = {"input_image": 255 * torch.rand(700, SIDE, 3)}
    axes = {"input_image": {0: "image_height", 1: "image_width"}}
    export(PreparingEncoder(), arrays, path, ["image_embeddings"], **axes)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
