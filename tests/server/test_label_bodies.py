"""Label images over the wire: what was sent is what is read, and nothing else is."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Picture

from veriscope.server.label_bodies import PNG_TYPE, RAW_TYPE, give_labels, take_labels
from veriscope.server.problems import ProblemError

SMALL = np.arange(12, dtype=np.uint16).reshape(3, 4)


def take(body: bytes, **changes: Any) -> Any:
    given_ = {"kind": RAW_TYPE, "encoding": "", "shape": "3,4", "dtype": "uint16", "expected": (3, 4)}
    return take_labels(body, **(given_ | changes))


def refusal(body: bytes, **changes: Any) -> tuple[int, str, str]:
    with pytest.raises(ProblemError) as caught:
        take(body, **changes)
    found = caught.value.problem
    return found.status, found.detail, found.action


def as_png(pixels: np.ndarray[Any, Any], mode: str | None = None) -> bytes:
    file = io.BytesIO()
    picture = Picture.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file, "PNG")
    return file.getvalue()


@given(
    labels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.uint32, np.int32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.integers(0, 127),
    ),
    accept=st.sampled_from([RAW_TYPE, PNG_TYPE, "*/*"]),
    packed=st.booleans(),
)
def test_what_is_given_can_be_taken(labels: Any, accept: str, packed: bool) -> None:
    response = give_labels(labels, (5, 7), accept, {"etag": '"a"'})
    assert (response.headers["etag"], response.headers["x-origin"]) == ('"a"', "5,7")
    body = bytes(response.body)
    found = take_labels(
        gzip.compress(body) if packed else body,
        kind=response.headers["content-type"],
        encoding="gzip" if packed else "",
        shape=response.headers["x-shape"],
        dtype=response.headers["x-dtype"],
        expected=labels.shape,
    )
    np.testing.assert_array_equal(found, labels)
    assert found.dtype.kind == "u"


@pytest.mark.parametrize(
    ("top", "dtype", "size"),
    [(0, "uint16", 2), (65_535, "uint16", 2), (65_536, "uint32", 4), (2**31 - 1, "uint32", 4)],
)
def test_as_few_bytes_as_the_numbers_need(top: int, dtype: str, size: int) -> None:
    response = give_labels(np.array([[0, top]], np.int32), (0, 0), RAW_TYPE, {})
    assert response.headers["x-dtype"] == dtype
    assert bytes(response.body) == (0).to_bytes(size, "little") + top.to_bytes(size, "little")


def test_a_png_file_holds_only_so_many() -> None:
    with pytest.raises(ProblemError) as caught:
        give_labels(np.array([[65_536]], np.int32), (0, 0), PNG_TYPE, {})
    assert caught.value.problem.status == 406
    assert caught.value.problem.detail == "A PNG file holds labels up to 65,535, and there is 65536."


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"shape": ""}, 422, "X-Shape '' and X-Dtype 'uint16' do not describe a label image."),
        ({"shape": "3"}, 422, "X-Shape '3' and X-Dtype 'uint16' do not describe a label image."),
        ({"shape": "3,4,1"}, 422, "X-Shape '3,4,1' and X-Dtype 'uint16' do not describe a label image."),
        ({"shape": "-3,-4"}, 422, "X-Shape '-3,-4' and X-Dtype 'uint16' do not describe a label image."),
        ({"shape": "1e1,4"}, 422, "X-Shape '1e1,4' and X-Dtype 'uint16' do not describe a label image."),
        ({"dtype": "float32"}, 422, "X-Shape '3,4' and X-Dtype 'float32' do not describe a label image."),
        ({"dtype": "int32"}, 422, "X-Shape '3,4' and X-Dtype 'int32' do not describe a label image."),
        ({"dtype": "object"}, 422, "X-Shape '3,4' and X-Dtype 'object' do not describe a label image."),
        ({"shape": "4,3"}, 422, "The label image is 4 × 3, and the tile with its context 3 × 4."),
        ({"shape": "0,0"}, 422, "The label image is 0 × 0, and the tile with its context 3 × 4."),
        ({"dtype": "uint8"}, 422, "3 × 4 numbers of uint8 have 12 bytes, and 24 were sent."),
        ({"dtype": "uint32"}, 422, "3 × 4 numbers of uint32 have 48 bytes, and 24 were sent."),
        ({"kind": "text/plain; charset=utf-8"}, 415, "'text/plain' is no kind of label image."),
        ({"kind": ""}, 415, "'nothing' is no kind of label image."),
        ({"encoding": "br"}, 415, "Content-Encoding 'br' is not taken."),
        ({"encoding": "gzip"}, 422, "The content is not gzip, or is damaged."),
        ({"kind": PNG_TYPE}, 422, "The content is no PNG file, or is damaged."),
    ],
)
def test_bodies_that_are_no_label_image(changes: dict[str, str], status: int, detail: str) -> None:
    assert refusal(SMALL.tobytes(), **changes)[:2] == (status, detail)


@pytest.mark.parametrize("encoding", ["identity", " GZIP ", "gzip"])
def test_encodings_in_any_case(encoding: str) -> None:
    body = SMALL.tobytes() if encoding == "identity" else gzip.compress(SMALL.tobytes())
    np.testing.assert_array_equal(take(body, encoding=encoding), SMALL)


def test_a_small_body_cannot_become_a_large_one() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < 100_000
    assert refusal(bomb, encoding="gzip") == (413, "The content does not fit the tile.", "Send it again.")
    whole = gzip.compress(SMALL.tobytes())
    for cut in (5, len(whole) // 2, len(whole) - 1):
        assert refusal(whole[:cut], encoding="gzip")[0] == 422


@pytest.mark.parametrize("size", [(30_000, 30_000), (4, 3), (1, 1)])
def test_the_size_in_a_png_file_is_looked_at_before_its_pixels(size: tuple[int, int]) -> None:
    header = b"IHDR" + size[1].to_bytes(4, "big") + size[0].to_bytes(4, "big") + bytes([16, 0, 0, 0, 0])
    body = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    body += (0).to_bytes(4, "big") + b"IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")
    status, detail, _ = refusal(body, kind=PNG_TYPE)
    assert status == 422
    assert detail in (
        f"The label image is {size[0]} × {size[1]}, and the tile with its context 3 × 4.",
        "The content is no PNG file, or is damaged.",
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_colours_are_no_labels(mode: str) -> None:
    body = as_png(SMALL.astype(np.uint8), mode)
    assert refusal(body, kind=PNG_TYPE)[:2] == (422, f"The PNG file has colours ({mode}).")


def test_a_damaged_png_file_is_read_or_refused() -> None:
    whole = as_png(SMALL)
    for place in range(len(whole)):
        for value in (0, 1, 127, 255):
            body = whole[:place] + bytes([value]) + whole[place + 1 :]
            try:
                assert take(body, kind=PNG_TYPE).shape == (3, 4)
            except ProblemError as error:
                assert error.problem.status == 422
    for cut in range(len(whole)):
        try:
            found = take(whole[:cut], kind=PNG_TYPE)
        except ProblemError:
            continue
        np.testing.assert_array_equal(found, SMALL)  # only what comes after the pixels is gone
