"""A picture's size is read from its first bytes, as an encoder wrote it."""

import io

import pytest
from PIL import Image

from bot.playground.headers import Picture, read_picture


@pytest.mark.parametrize(
    ("format_name", "options", "mime"),
    [
        ("JPEG", {}, "image/jpeg"),
        ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + bytes(500)}, "image/jpeg"),
        ("PNG", {}, "image/png"),
        ("GIF", {}, "image/gif"),
        ("WEBP", {}, "image/webp"),
        ("WEBP", {"lossless": True}, "image/webp"),
        ("WEBP", {"exif": b"Exif\0\0MM\0*" + bytes(20)}, "image/webp"),
    ],
)
def test_the_size_is_the_encoders(format_name, options, mime):
    buffer = io.BytesIO()
    Image.new("RGB", (301, 77), "olive").save(buffer, format_name, **options)

    assert read_picture(buffer.getvalue()) == Picture(mime, 301, 77)


@pytest.mark.parametrize(
    "data", [b"", b"GIF8", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"\xff\xd8\xff" + bytes(50), b"RIFF....WEBPVP8X"]
)
def test_what_no_header_explains_is_no_picture(data):
    assert read_picture(data) is None
