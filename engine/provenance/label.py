"""The label that people see: white words on a dark pill, on every frame of a clip, and no switch to turn it off.

Composed once per clip and blended into its own rectangle only. Letters of 5 % of the short side survive half
size and small previews; the top right corner is free of Telegram's own marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.media.clip import Frame, Plane
from engine.provenance.source_type import SourceType
from engine.provenance.words import Words, find_words, letter_share, load_font

PILL_ALPHA = 0.68
"""On white, the worst photo, 0.65 gives the words 7.0:1 on paper (WCAG AAA), but 6.9:1 after CRF 33 and 6.8:1 at
half size; 0.68 stays above 7:1 in both (measured)."""

LETTER_SHARE = 0.05
"""Height of a capital letter, as a share of the clip's short side."""

MARGIN_SHARE = 0.035
MIN_LETTER_PIXELS = 7.0
"""Tiny clips get letters of this height where they fit: smaller ones cannot be read at all."""

MIN_EM_PIXELS = 5.0

SIDE_PADDING, TOP_PADDING, ROUNDING, LEADING = 0.45, 0.34, 0.45, 1.35
"""In em: between pill and words, the pill's corners, from baseline to baseline."""

WHITE_LUMA, BLACK_LUMA, NO_CHROMA = 235, 16, 128
"""BT.709, limited range."""

Share = NDArray[np.float32]
"""How much of each pixel a shape covers, 0..1; (height, width)."""


@dataclass(frozen=True, slots=True)
class Label:
    """The label of clips of one size. `left`, `top`, `width`, `height` are its rectangle in pixels, all even."""

    text: str
    left: int
    top: int
    width: int
    height: int
    clip_size: tuple[int, int]
    layers: tuple[Layer, Layer, Layer] = field(repr=False)

    def stamp(self, frame: Frame) -> None:
        """Blend the label into a frame, in place. Raises ValueError for a frame of another size."""
        height, width = frame.y.shape
        if (width, height) != self.clip_size:
            raise ValueError(f"a label for {self.clip_size} does not fit a frame of {(width, height)}")
        for plane, layer, scale in zip((frame.y, frame.u, frame.v), self.layers, (1, 2, 2), strict=True):
            left, top = self.left // scale, self.top // scale
            layer.blend(plane[top : top + self.height // scale, left : left + self.width // scale])


@dataclass(frozen=True, slots=True)
class Layer:
    """One plane of the label: `paint` is 255 × colour × cover, `keep` what stays of the picture, 0..255."""

    paint: NDArray[np.uint16]
    keep: NDArray[np.uint16]

    def blend(self, region: Plane) -> None:
        np.copyto(region, (region * self.keep + self.paint) // 255, casting="unsafe")


def make_label(digital_source_type: str, locale: str, *, width: int, height: int) -> Label:
    """The label of a clip of this size, in the words of its source type and of the reader's language.

    Raises ValueError for a source type that we do not make, and for a size that is odd or too small to carry
    a label: such a clip is not made, because nothing leaves unlabelled.
    """
    if width % 2 or height % 2:
        raise ValueError(f"clips have even sizes, not {width} x {height}")
    words = find_words(SourceType.named(digital_source_type), locale)
    margin = max(2, round(min(width, height) * MARGIN_SHARE))
    lines, em = _fit(
        words, room=(width - 2 * margin, height - 2 * margin), wanted=_wanted_em(words, width, height)
    )
    letters = _draw_letters([words.glyphs(line) for line in lines], load_font(words.script, pixels=em), em=em)
    return Label(
        text=words.text,
        left=_even(width - margin - letters.shape[1]),
        top=_even(margin),
        width=letters.shape[1],
        height=letters.shape[0],
        clip_size=(width, height),
        layers=_compose(letters, _draw_pill(letters.shape, radius=em * ROUNDING) * PILL_ALPHA),
    )


def _wanted_em(words: Words, width: int, height: int) -> float:
    letter = max(min(width, height) * LETTER_SHARE, MIN_LETTER_PIXELS)
    return math.ceil(letter / letter_share(words.script))


def _fit(words: Words, *, room: tuple[int, int], wanted: float) -> tuple[Sequence[str], float]:
    """One line where it fits at the wanted size, else the lines that allow the largest; with the em in pixels."""
    fits = [(lines, _largest_em(words, lines, room=room, wanted=wanted)) for lines in _layouts(words.text)]
    lines, em = max(fits, key=lambda fit: fit[1])  # the first of equals: fewer lines
    if em < MIN_EM_PIXELS:
        raise ValueError(f"no label can be read in {room[0]} x {room[1]} pixels")
    return lines, em


def _layouts(text: str) -> Iterator[Sequence[str]]:
    """The text in one line, then in two, the more even first."""
    yield (text,)
    words = text.split()
    halves = [(" ".join(words[:count]), " ".join(words[count:])) for count in range(1, len(words))]
    yield from sorted(halves, key=lambda lines: max(map(len, lines)))


def _largest_em(words: Words, lines: Sequence[str], *, room: tuple[int, int], wanted: float) -> float:
    """Measured at the size itself: the widths of small letters are rounded to whole pixels."""
    em = wanted
    while em >= MIN_EM_PIXELS and not _fits(words, lines, em=em, room=room):
        em -= 0.5
    return em


def _fits(words: Words, lines: Sequence[str], *, em: float, room: tuple[int, int]) -> bool:
    font = load_font(words.script, pixels=em)
    shape = _draw_letters([words.glyphs(line) for line in lines], font, em=em).shape
    return bool(shape[1] <= room[0] and shape[0] <= room[1])


def _draw_letters(lines: Sequence[str], font: ImageFont.FreeTypeFont, *, em: float) -> Share:
    """The words in an even rectangle that leaves room for the pill around them."""
    boxes = [font.getbbox(line, anchor="ls") for line in lines]
    side, over = em * SIDE_PADDING, em * TOP_PADDING
    above, below = -min(boxes[0][1], font.getbbox("A", anchor="ls")[1]), max(0, boxes[-1][3])
    pitch = em * LEADING
    width = _even_up(max(font.getlength(line) for line in lines) + 2 * side)
    height = _even_up(above + below + pitch * (len(lines) - 1) + 2 * over)
    image = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((width / 2, over + above + pitch * number), line, font=font, fill=255, anchor="ms")
    return np.asarray(image, np.float32) / np.float32(255)


def _draw_pill(shape: tuple[int, ...], *, radius: float) -> Share:
    """Drawn four times as large and scaled down: Pillow's own corners are not smooth."""
    height, width = shape
    image = Image.new("L", (width * 4, height * 4), 0)
    corners = (0, 0, width * 4 - 1, height * 4 - 1)
    ImageDraw.Draw(image).rounded_rectangle(corners, radius=radius * 4, fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / np.float32(255)


def _compose(letters: Share, pill: Share) -> tuple[Layer, Layer, Layer]:
    """White letters over the pill over the picture, as one blend for each plane."""
    shade = pill * (1 - letters)
    cover = letters + shade
    luma = _layer(paint=WHITE_LUMA * letters + BLACK_LUMA * shade, cover=cover)
    half = cover.reshape(cover.shape[0] // 2, 2, cover.shape[1] // 2, 2).mean(axis=(1, 3))
    chroma = _layer(paint=NO_CHROMA * half, cover=half)
    return luma, chroma, chroma


def _layer(*, paint: Share, cover: Share) -> Layer:
    """127 rounds the division in `blend`; nothing exceeds 16 bits, since paint and keep share one whole."""
    keep = np.rint(255 * (1 - cover))
    return Layer(paint=np.rint(255 * paint + 127).astype(np.uint16), keep=keep.astype(np.uint16))


def _even(value: float) -> int:
    return int(value) // 2 * 2


def _even_up(value: float) -> int:
    return math.ceil(value / 2) * 2
