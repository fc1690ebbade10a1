import hashlib
import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from engine.errors import PhotoRejected
from engine.media.photo import decode, read_pixels
from engine.schema import PhotoProblem

RED, BLUE = (200, 30, 30), (30, 30, 200)


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def two_halves(width: int = 200, height: int = 100) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def exif_with_place(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 45.0, 0.0), 29: "2026:01:02"})
    return exif


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def one_bit_png(width: int, height: int) -> bytes:
    squeeze = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gray_16_bit_png(level: int) -> bytes:
    row = b"\0" + struct.pack(">H", level) * 80
    header = struct.pack(">IIBBBBB", 80, 80, 16, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * 80))
        + chunk(b"IEND", b"")
    )


def heic(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=90, **options)
    return buffer.getvalue()


def problem_of(data: bytes) -> PhotoProblem:
    with pytest.raises(PhotoRejected) as rejected:
        decode(data)
    return rejected.value.problem


def middle(photo_pixels: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    height, width = photo_pixels.shape[:2]
    return tuple(int(value) for value in photo_pixels[int(height * y), int(width * x)])


def near(color: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(color, wanted, strict=True))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_photo_keeps_its_size_and_colours(image_format):
    photo = decode(saved(two_halves(), image_format))

    pixels = read_pixels(photo.jpeg)
    assert (photo.width, photo.height) == (200, 100) == pixels.shape[1::-1]
    assert near(middle(pixels, 0.25, 0.5), RED)
    assert near(middle(pixels, 0.75, 0.5), BLUE)
    assert photo.sha256 == hashlib.sha256(photo.jpeg).hexdigest()


def test_a_photo_is_a_baseline_444_jpeg():
    with Image.open(io.BytesIO(decode(saved(two_halves(), "PNG")).jpeg)) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert [(component[1], component[2]) for component in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("orientation", "size", "where_red_is"),
    [
        (1, (200, 100), (0.25, 0.5)),
        (2, (200, 100), (0.75, 0.5)),
        (3, (200, 100), (0.75, 0.5)),
        (4, (200, 100), (0.25, 0.5)),
        (5, (100, 200), (0.5, 0.25)),
        (6, (100, 200), (0.5, 0.25)),
        (7, (100, 200), (0.5, 0.75)),
        (8, (100, 200), (0.5, 0.75)),
    ],
)
def test_a_photo_stands_upright(orientation, size, where_red_is):
    photo = decode(saved(two_halves(), "JPEG", exif=exif_with_place(orientation)))

    assert (photo.width, photo.height) == size
    assert near(middle(read_pixels(photo.jpeg), *where_red_is), RED)


def test_a_heic_from_a_phone_is_upright_and_says_nothing_of_the_place():
    photo = decode(heic(two_halves(), exif=exif_with_place(6).tobytes()))

    assert (photo.width, photo.height) == (100, 200)
    assert near(middle(read_pixels(photo.jpeg), 0.5, 0.25), RED)
    assert b"SecretCamera" not in photo.jpeg
    assert b"Exif" not in photo.jpeg


def test_no_metadata_survives():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    png_text = PngImagePlugin.PngInfo()
    png_text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>SecretXmp</x:xmpmeta>")
    sources = [
        saved(two_halves(), "JPEG", exif=exif_with_place(), comment=b"SecretComment", icc_profile=srgb),
        saved(two_halves(), "PNG", exif=exif_with_place(), pnginfo=png_text, icc_profile=srgb),
        saved(two_halves(), "WEBP", exif=exif_with_place(), xmp=b"SecretXmp", icc_profile=srgb),
    ]

    for source in sources:
        assert b"Secret" in source
        jpeg = decode(source).jpeg
        for trace in (b"Secret", b"Exif", b"ICC_PROFILE", b"xmpmeta", b"2026"):
            assert trace not in jpeg
        with Image.open(io.BytesIO(jpeg)) as image:
            assert not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_large_photo_is_shrunk_to_2048():
    photo = decode(saved(Image.new("RGB", (4000, 3000), RED), "JPEG"))

    assert (photo.width, photo.height) == (2048, 1536)


def test_transparency_is_shown_on_white():
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    palette = clear.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))

    for data in (saved(clear, "PNG"), saved(clear, "WEBP", lossless=True), saved(palette, "PNG")):
        assert near(middle(read_pixels(decode(data).jpeg), 0.5, 0.5), (255, 255, 255))


def test_half_transparency_is_mixed_with_white():
    half = Image.new("RGBA", (100, 100), (255, 0, 0, 128))

    assert near(middle(read_pixels(decode(saved(half, "PNG")).jpeg), 0.5, 0.5), (255, 127, 127))


@pytest.mark.parametrize("level", [0x1000, 0x8000, 0xF000])
def test_sixteen_bits_are_scaled_not_clipped(level):
    pixels = read_pixels(decode(gray_16_bit_png(level)).jpeg)

    assert near(middle(pixels, 0.5, 0.5), (level >> 8,) * 3, by=2)


def test_cmyk_becomes_rgb():
    cmyk = Image.new("CMYK", (100, 100), (0, 255, 255, 0))

    assert near(middle(read_pixels(decode(saved(cmyk, "JPEG")).jpeg), 0.5, 0.5), (255, 0, 0))


def test_a_one_bit_image_and_a_gray_one_become_rgb():
    for mode in ("1", "L"):
        pixels = read_pixels(decode(saved(Image.new(mode, (100, 100), 255), "PNG")).jpeg)
        assert near(middle(pixels, 0.5, 0.5), (255, 255, 255))


def test_an_embedded_colour_profile_is_applied():
    gamma_one = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swap_red_and_blue(lab_like)

    plain = middle(read_pixels(decode(saved(two_halves(), "PNG")).jpeg), 0.25, 0.5)
    by_profile = middle(read_pixels(decode(saved(two_halves(), "PNG", icc_profile=swapped)).jpeg), 0.25, 0.5)
    not_for_images = decode(saved(two_halves(), "PNG", icc_profile=gamma_one.tobytes()))

    assert near(plain, RED)
    assert near(by_profile, BLUE)
    assert near(middle(read_pixels(not_for_images.jpeg), 0.25, 0.5), RED)


def swap_red_and_blue(profile: bytes) -> bytes:
    """An sRGB profile whose red and blue primaries are exchanged, so that its use cannot be overlooked."""
    return profile.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")


def test_a_broken_colour_profile_is_ignored():
    photo = decode(saved(two_halves(), "PNG", icc_profile=b"not a profile" * 20))

    assert near(middle(read_pixels(photo.jpeg), 0.25, 0.5), RED)


def test_of_an_animated_webp_the_first_frame_is_taken():
    first, second = Image.new("RGB", (100, 100), RED), Image.new("RGB", (100, 100), BLUE)

    data = saved(first, "WEBP", save_all=True, append_images=[second], duration=100)

    assert near(middle(read_pixels(decode(data).jpeg), 0.5, 0.5), RED)


def test_a_damaged_orientation_tag_does_not_cost_the_photo():
    exif = exif_with_place(6).tobytes()

    photo = decode(saved(two_halves(), "JPEG", exif=exif[:20]))

    assert (photo.width, photo.height) == (200, 100)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", PhotoProblem.EMPTY),
        (b"just some words", PhotoProblem.NOT_AN_IMAGE),
        (b"<html><body>hello</body></html>", PhotoProblem.NOT_AN_IMAGE),
        (b"\xff\xd8\xff" + b"\0" * 100, PhotoProblem.BROKEN),
        (b"\xff\xd8\xff" + b"\0" * 20_000_000, PhotoProblem.TOO_MANY_BYTES),
        (b"GIF89a" + b"\0" * 100, PhotoProblem.UNSUPPORTED_FORMAT),
        (b"%PDF-1.7\n", PhotoProblem.UNSUPPORTED_FORMAT),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', PhotoProblem.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x1cftypisom\0\0\2\0isomiso2", PhotoProblem.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", PhotoProblem.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", PhotoProblem.UNSUPPORTED_FORMAT),
        (b"\x1a\x45\xdf\xa3webm", PhotoProblem.UNSUPPORTED_FORMAT),
        (b"RIFF\0\0\0\0AVI LIST", PhotoProblem.UNSUPPORTED_FORMAT),
    ],
)
def test_bytes_that_are_no_photo_are_named(data, problem):
    assert problem_of(data) is problem


@pytest.mark.parametrize("image_format", ["TIFF", "BMP", "GIF", "ICO", "PPM"])
def test_other_image_formats_are_not_opened(image_format):
    assert problem_of(saved(two_halves(), image_format)) in {
        PhotoProblem.UNSUPPORTED_FORMAT,
        PhotoProblem.NOT_AN_IMAGE,  # PPM begins with two letters that a text may begin with too
    }


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_half_a_file_is_broken(image_format):
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    whole = saved(noise, image_format)

    assert problem_of(whole[: len(whole) // 2]) is PhotoProblem.BROKEN


def test_half_a_heic_is_broken():
    whole = heic(Image.effect_noise((300, 300), 90).convert("RGB"))

    assert problem_of(whole[: len(whole) // 2]) is PhotoProblem.BROKEN


@pytest.mark.parametrize(
    ("width", "height", "problem"),
    [
        (30_000, 30_000, PhotoProblem.TOO_MANY_PIXELS),
        (7_100, 7_100, PhotoProblem.TOO_MANY_PIXELS),
        (16, 16, PhotoProblem.TOO_SMALL),
        (1, 8_000, PhotoProblem.TOO_SMALL),
        (63, 500, PhotoProblem.TOO_SMALL),
        (100, 1_201, PhotoProblem.TOO_NARROW),
        (2_600, 200, PhotoProblem.TOO_NARROW),
    ],
)
def test_the_header_decides_on_sizes(width, height, problem):
    assert problem_of(one_bit_png(width, height)) is problem


def test_text_that_unpacks_to_thirty_megabytes_is_broken():
    text = PngImagePlugin.PngInfo()
    text.add_text("k", "A" * 30_000_000, zip=True)

    assert problem_of(saved(two_halves(), "PNG", pnginfo=text)) is PhotoProblem.BROKEN


def test_random_damage_never_raises_anything_else():
    rng = np.random.default_rng(5)
    noise = Image.effect_noise((120, 120), 90).convert("RGB")
    for whole in (saved(noise, "JPEG"), saved(noise, "PNG"), saved(noise, "WEBP"), heic(noise)):
        for _ in range(25):
            damaged = np.frombuffer(whole, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), rng.choice([1, 5, 50]))] = rng.integers(0, 256)
            with suppress(PhotoRejected):
                assert decode(damaged.tobytes()).jpeg.startswith(b"\xff\xd8")
