"""Untrusted bytes in, a clean photo out: `decode` is the only place where a stranger's image is parsed.

`answer` runs it in a child process of its own, one photo per process, with nothing but Pillow loaded;
`engine.screening` starts the child whose forks these are, and sets their limits on CPU time and memory.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pillow_heif
from PIL import Image, ImageCms, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from engine.errors import PhotoRejected
from engine.schema import MAX_PHOTO_BYTES, PhotoProblem

if TYPE_CHECKING:  # numpy costs a decode child 0.2 s that it does not need
    import numpy as np
    from numpy.typing import NDArray

MAX_PIXELS = 50_000_000
"""A 48-megapixel phone passes. Read from the header, before a pixel is decoded."""

MIN_SIDE = 64
"""Pixels; below it there is nothing to move."""

MAX_ASPECT = 12
"""Long side over short side; a clip of a narrower strip shows nothing."""

LONG_SIDE = 2048
"""Pixels of the cleaned photo; larger than any clip that we make."""

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.32 §4.6.4, Orientation: how to turn the stored rows so that the photo stands upright."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})

_OTHER_FORMATS = (
    b"GIF8",
    b"II*\x00",  # TIFF, and most raw formats
    b"MM\x00*",
    b"II+\x00",  # BigTIFF
    b"MM\x00+",
    b"BM",
    b"%PDF",
    b"%!PS",
    b"8BPS",
    b"\x00\x00\x01\x00",  # ICO
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL ",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"RIFF",  # AVI, WAV; WebP is looked for first
    b"OggS",
    b"\x00\x00\x01\xba",  # MPEG
    b"gimp xcf",
)
"""Beginnings of files that are pictures, films or documents, but none that we open."""


_BROKEN = (
    *(ValueError, TypeError, LookupError, OverflowError, EOFError, OSError, RuntimeError, SyntaxError),
    *(zlib.error, struct.error),
)
"""What Pillow's and libheif's readers raise for damaged files."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A clean photo: upright sRGB JPEG without metadata, long side at most 2048. `sha256` is of `jpeg`."""

    jpeg: bytes
    width: int
    height: int
    sha256: str


class Untrusted(msgspec.Struct, frozen=True, tag_field="type", tag="untrusted"):
    """What a stranger sent."""

    data: bytes


class Decoded(msgspec.Struct, frozen=True, tag_field="type", tag="decoded"):
    """What the decode child made of it."""

    photo: Photo


class Rejected(msgspec.Struct, frozen=True, tag_field="type", tag="rejected"):
    """The bytes are not a photo that we take."""

    problem: PhotoProblem


Reply = Decoded | Rejected


def answer(question: bytes) -> Reply:
    """The body of an `Untrusted` in. What a hostile image leaves behind dies with the process."""
    try:
        return Decoded(decode(msgspec.msgpack.decode(question, type=Untrusted).data))
    except PhotoRejected as rejected:
        return Rejected(rejected.problem)


def decode(data: bytes) -> Photo:
    """Check, decode, turn upright, flatten, convert to sRGB, shrink, and encode anew. Raises PhotoRejected."""
    image_format = _format_of(data)
    with _strict():
        image = _open(data, image_format)
        _check_size(image)
        upright = _turned(_shrink(image), _orientation(image))
        return _encode(_in_srgb(upright, image.info.get("icc_profile")))


def read_pixels(jpeg: bytes) -> NDArray[np.uint8]:
    """The (height, width, 3) RGB pixels of a photo that `decode` made."""
    import numpy as np

    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        return np.asarray(image.convert("RGB"))


def _format_of(data: bytes) -> str:
    """Pillow's name of the format, by its first bytes; the sender's file name and MIME type are not asked."""
    if not data:
        raise PhotoRejected(PhotoProblem.EMPTY)
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoRejected(PhotoProblem.TOO_MANY_BYTES)
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile.format
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile.format
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile.format
    if _is_heic(data):
        return "HEIF"
    if data.startswith(_OTHER_FORMATS) or data[4:8] == b"ftyp" or b"<svg" in data[:1024].lower():
        raise PhotoRejected(PhotoProblem.UNSUPPORTED_FORMAT)
    raise PhotoRejected(PhotoProblem.NOT_AN_IMAGE)


def _is_heic(data: bytes) -> bool:
    """HEIC is an ISO media file with a still-image brand; AVIF may carry one too, but says so beside it."""
    box = data[: min(int.from_bytes(data[:4], "big"), 256)]
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avi" not in box


@contextmanager
def _strict() -> Iterator[None]:
    """Every warning about pixels is an error, and every way in which a decoder gives up becomes PhotoRejected."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Phones write damaged EXIF and multi-picture tables into sound JPEGs; the pixels are not touched by it.
        warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")  # opens no TIFF here: reads EXIF
        warnings.filterwarnings("ignore", message="Image appears to be a malformed MPO")
        try:
            yield
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PhotoRejected(PhotoProblem.TOO_MANY_PIXELS) from None
        except MemoryError:
            raise PhotoRejected(PhotoProblem.TOO_COMPLEX) from None
        except (Warning, *_BROKEN):
            raise PhotoRejected(PhotoProblem.BROKEN) from None


def _open(data: bytes, image_format: str) -> Image.Image:
    if image_format == "HEIF":
        # No thumbnails and the like: they need not show what the photo shows.
        pillow_heif.register_heif_opener(
            decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
        )
    return Image.open(io.BytesIO(data), formats=[image_format])


def _check_size(image: Image.Image) -> None:
    """By the header alone: nothing is decoded yet."""
    short, long = sorted(image.size)
    if short * long > MAX_PIXELS:
        raise PhotoRejected(PhotoProblem.TOO_MANY_PIXELS)
    if short < MIN_SIDE:
        raise PhotoRejected(PhotoProblem.TOO_SMALL)
    if long > short * MAX_ASPECT:
        raise PhotoRejected(PhotoProblem.TOO_NARROW)


def _shrink(image: Image.Image) -> Image.Image:
    """Decode, with the long side at most 2048; RGB, L or CMYK, on white where the image is transparent."""
    image.draft(None, (LONG_SIDE, LONG_SIDE))  # JPEG decodes at 1/2, 1/4 or 1/8; other formats ignore it
    image.load()
    small = _in_plain_mode(image)
    small.thumbnail((LONG_SIDE, LONG_SIDE), reducing_gap=2.0)
    if small.mode != "RGBA":
        return small
    white = Image.new("RGB", small.size, "white")
    white.paste(small, mask=small.getchannel("A"))
    return white


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """RGBA, L, RGB or CMYK with 8 bits: modes that can be scaled without harm."""
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")  # `convert` alone would clip, not scale
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where it cannot be read: a damaged tag is no reason to refuse a sound photo."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _BROKEN:
        return 1
    return value if isinstance(value, int) else 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _in_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """The colours as the profile means them; a profile that cannot be used is ignored, as viewers do."""
    if icc_profile:
        try:
            return _by_profile(image, icc_profile)
        except (ImageCms.PyCMSError, Warning, *_BROKEN):
            return image.convert("RGB")
    return image.convert("RGB")


def _by_profile(image: Image.Image, icc_profile: bytes) -> Image.Image:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[profile.profile.xcolor_space.strip()]
    if mode == "CMYK" and image.mode != "CMYK":
        raise ValueError("a CMYK profile in an image that is not")
    converted = ImageCms.profileToProfile(
        image.convert(mode), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None  # it is only when asked to work in place
    return converted


def _encode(image: Image.Image) -> Photo:
    clean = Image.new("RGB", image.size)  # a new image: no EXIF, XMP, ICC profile or comment comes along
    clean.paste(image)
    jpeg = io.BytesIO()
    clean.save(jpeg, "JPEG", quality=95, subsampling="4:4:4")
    data = jpeg.getvalue()
    return Photo(jpeg=data, width=clean.width, height=clean.height, sha256=hashlib.sha256(data).hexdigest())
