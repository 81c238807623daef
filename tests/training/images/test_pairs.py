from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError
from veriscope.training.images.pairs import check_not_empty, read_pairs, read_unlabelled


def test_pairs_are_read_in_natural_order(discs: Path) -> None:
    pairs = read_pairs(discs / "images", discs / "labels")
    assert [pair.stem for pair in pairs] == [f"field{n}" for n in range(8)]
    assert all(pair.labels.shape == pair.image.shape for pair in pairs)
    assert len({pair.sha256 for pair in pairs}) == 8


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    good = np.zeros((32, 32), np.uint16)
    for stem in ("size", "broken", "stack", "fine"):
        tifffile.imwrite(tmp_path / "images" / f"{stem}.tif", good)
        tifffile.imwrite(tmp_path / "labels" / f"{stem}.tif", good)
    tifffile.imwrite(tmp_path / "labels" / "size.tif", good[:16])
    (tmp_path / "images" / "broken.tif").write_bytes(b"II*\x00 not a picture")
    tifffile.imwrite(
        tmp_path / "images" / "stack.tif", np.zeros((5, 32, 32), np.uint16), metadata={"axes": "ZYX"}
    )
    with pytest.raises(InputError) as error:
        read_pairs(tmp_path / "images", tmp_path / "labels")
    text = str(error.value)
    assert text.startswith("3 of 4 pairs cannot be learned from:")
    assert "has 16 × 32 pixels, and its image size.tif 32 × 32" in text
    assert "broken.tif" in text
    assert "training takes 2D images: cut stacks into slices, or project" in text


def test_labels_that_are_all_background_are_refused(discs: Path) -> None:
    pairs = read_unlabelled(discs / "images")
    assert all((pair.labels == -1).all() for pair in pairs)
    with pytest.raises(
        InputError, match=r"no object is annotated in the 8 images to learn from \(field0, field1"
    ):
        check_not_empty(pairs, part="to learn from")
    with pytest.raises(InputError, match="there is no image to choose by"):
        check_not_empty([], part="to choose by")
