"""Pictures as they stand in the page: strips, thumbnails, data URIs."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dust_demos.conversion.pictures import Pixels

WIDTH, QUALITY, SEAM = 168, 80, 2
"""Of a picture in a strip, px; of the JPEG; white between two pictures, px."""
SMALL = (16, 9)


def strip(pictures: Sequence[Pixels], *, width: int = WIDTH) -> str:
    """Return pictures side by side as the data URI of a JPEG.

    Args:
        pictures: BGR uint8 [H, W, 3], at least one.
        width: of each, px.
    """
    tiles = []
    for picture in pictures:
        height = max(1, round(width * picture.shape[0] / picture.shape[1]))
        tiles.append(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    tallest = max(tile.shape[0] for tile in tiles)
    padded = [
        np.pad(
            tile,
            ((0, tallest - tile.shape[0]), (0, SEAM), (0, 0)),
            constant_values=255,
        )
        for tile in tiles
    ]
    joined = np.concatenate(padded, axis=1)[:, :-SEAM]
    done, data = cv2.imencode(".jpg", joined, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done, "uint8 pictures encode"
    return data_uri("jpeg", data.tobytes())


def thumbnail(picture: Pixels) -> NDArray[np.float64]:
    """Return a picture small and grey, [9, 16], 0 to 255."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, SMALL, interpolation=cv2.INTER_AREA), np.float64)


def data_uri(kind: str, data: bytes) -> str:
    """Return bytes of an image as the address under which a page holds them itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
