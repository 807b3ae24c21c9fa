"""Cutouts as PNG: the right way up, and nothing hostile gets through."""

import contextlib
import gzip
import io

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tom.web.cutouts import UnreadableCutoutError, render_png


def stamp(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    fits.PrimaryHDU(image.astype(np.float32)).writeto(out)
    return gzip.compress(out.getvalue())


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_first_row_of_the_image_is_at_the_bottom() -> None:
    image = np.zeros((20, 30))
    image[0, 5] = 100.0

    drawn = pixels(render_png(stamp(image)))

    assert drawn.shape == (20, 30)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (19, 5)


def test_what_was_not_measured_is_black_and_spoils_nothing() -> None:
    image = np.random.default_rng(1).normal(100, 10, (20, 20))
    image[3, 4] = np.nan

    drawn = pixels(render_png(stamp(image)))

    assert drawn[19 - 3, 4] == 0
    assert drawn.max() == 255


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_a_flat_or_empty_image_is_drawn_all_the_same(value: float) -> None:
    assert pixels(render_png(stamp(np.full((5, 5), value)))).shape == (5, 5)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(UnreadableCutoutError, match="too large"):
        render_png(gzip.compress(bytes(20_000_000)))


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_junk_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(UnreadableCutoutError):
        render_png(data)
    with pytest.raises(UnreadableCutoutError):
        render_png(gzip.compress(data))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 5759), st.integers(0, 255))
@example(30, 0)  # a unit that astropy calls corrupted
def test_a_damaged_image_is_drawn_or_refused(place: int, value: int) -> None:
    data = bytearray(gzip.decompress(stamp(np.ones((20, 20)))))
    data[place % len(data)] = value

    with contextlib.suppress(UnreadableCutoutError):
        assert render_png(bytes(data)).startswith(b"\x89PNG")
