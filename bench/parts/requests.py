"""Requests as the bot makes them, with a photo of the size that Telegram hands out."""

from __future__ import annotations

import io
import uuid

import numpy as np
from PIL import Image

from bench.parts.drawn import landscape
from engine.schema import JobRequest


def telegram_photo(seed: int = 1, *, height: int = 1280, width: int = 960) -> bytes:
    """A JPEG of Telegram's largest size, 1280 pixels on the long side, about 200 kB."""
    noise = np.random.default_rng(seed).integers(-6, 7, (height, width, 3))
    pixels = np.clip(landscape(height, width).astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return _jpeg(pixels, quality=87)


def small_photo(seed: int = 1) -> bytes:
    """A hill under a sky, 160 by 240: a few kilobytes."""
    noise = np.random.default_rng(seed).integers(0, 12, (240, 160, 3))
    return _jpeg(np.clip(landscape(240, 160) + noise, 0, 255).astype(np.uint8))


def poison_photo(seed: int = 1) -> bytes:
    """The rig's renderer dies over its magenta corner (`bench.parts.home`)."""
    noise = np.random.default_rng(seed).integers(0, 12, (240, 160, 3))
    pixels = np.clip(landscape(240, 160) + noise, 0, 255).astype(np.uint8)
    pixels[:24, :24] = (255, 0, 255)
    return _jpeg(pixels)


def request_of(requester: str, *, prompt: str = "soft snow, slow zoom") -> JobRequest:
    job_id = str(uuid.uuid4())
    return JobRequest(
        job_id=job_id, prompt=prompt, locale="en", requester=requester, reply_to=f"reply-{job_id}"
    )


def _jpeg(pixels: np.ndarray, *, quality: int = 90) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()
