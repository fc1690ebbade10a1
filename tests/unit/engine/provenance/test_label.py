import re
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media.clip import Frame
from engine.provenance.label import Label, make_label
from engine.provenance.source_type import IPTC, SourceType
from engine.provenance.words import find_words, languages, load_font

WHITE, BLACK = 235, 16
MISSING = "\U000f0000"


def plain(luma: int, *, width: int, height: int) -> Frame:
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return Frame(np.full((height, width), luma, np.uint8), chroma, chroma.copy())


def busy(*, width: int, height: int) -> Frame:
    """Blocks of every brightness, as hard to read on as a photo gets."""
    frame = plain(BLACK, width=width, height=height)
    blocks = np.random.default_rng(7).integers(
        BLACK, WHITE, (height // 8 + 1, width // 8 + 1), dtype=np.uint8
    )
    frame.y[:] = np.kron(blocks, np.ones((8, 8), np.uint8))[:height, :width]
    return frame


def inside(label: Label, plane: np.ndarray, scale: int = 1) -> np.ndarray:
    top, left = label.top // scale, label.left // scale
    return plane[top : top + label.height // scale, left : left + label.width // scale]


def test_the_words_follow_the_source_type_and_the_language():
    texts = {
        (kind, locale): make_label(kind, locale, width=96, height=160).text
        for kind in SourceType
        for locale in ("en", "de-AT", "ru", "ja")
    }

    assert texts == {
        (SourceType.GENERATED, "en"): "AI generated",
        (SourceType.MODIFIED, "en"): "AI modified",
        (SourceType.GENERATED, "de-AT"): "KI-generiert",
        (SourceType.MODIFIED, "de-AT"): "KI-bearbeitet",
        (SourceType.GENERATED, "ru"): "Создано ИИ",
        (SourceType.MODIFIED, "ru"): "Изменено ИИ",
        (SourceType.GENERATED, "ja"): "AI生成",
        (SourceType.MODIFIED, "ja"): "AI加工",
    }


def test_a_language_without_words_gets_english_and_an_old_code_its_new_one():
    assert find_words(SourceType.MODIFIED, "xx").text == "AI modified"
    assert find_words(SourceType.MODIFIED, "iw") == find_words(SourceType.MODIFIED, "he")


def test_the_full_iptc_address_names_the_same_words():
    assert make_label(f"{IPTC}trainedAlgorithmicMedia", "en", width=96, height=160).text == "AI generated"


def test_a_source_type_that_we_do_not_make_has_no_label():
    with pytest.raises(ValueError, match="algorithmicMedia"):
        make_label("algorithmicMedia", "en", width=96, height=160)


@pytest.mark.parametrize("language", languages())
def test_every_language_names_ai_in_its_letters_and_has_a_glyph_for_each(language):
    for kind in SourceType:
        words = find_words(kind, language)
        font = load_font(words.script, pixels=40)
        nothing = bytes(font.getmask(MISSING))

        assert re.search(r"AI|KI|IA|ИИ|ШІ", words.text)
        for letter in words.glyphs(words.text).replace(" ", ""):
            assert bytes(font.getmask(letter)) != nothing, f"{language}: {letter!r} is a box"
            assert font.getmask(letter).getbbox() is not None, f"{language}: {letter!r} is empty"


def test_words_from_the_right_stand_from_right_to_left():
    hebrew = find_words(SourceType.MODIFIED, "he")

    assert hebrew.glyphs("שונה ב-AI").split() == [hebrew.glyphs("ב-AI"), hebrew.glyphs("שונה")]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(("width", "height"), [(720, 1280), (96, 160), (1280, 720), (64, 64), (720, 722)])
def test_the_label_lies_inside_the_frame_at_the_top_right(language, width, height):
    label = make_label(SourceType.MODIFIED, language, width=width, height=height)

    assert {label.left % 2, label.top % 2, label.width % 2, label.height % 2} == {0}
    assert label.left >= 2
    assert 2 <= label.top < label.top + label.height <= height - 2
    assert width - (label.left + label.width) <= max(4, round(0.035 * min(width, height)) + 2)


@pytest.mark.parametrize("language", ["en", "de", "ar", "hi", "he", "zh", "tr"])
def test_letters_are_five_percent_of_the_short_side(language):
    label = make_label(SourceType.MODIFIED, language, width=720, height=1280)
    frame = plain(BLACK, width=720, height=1280)

    label.stamp(frame)

    lit = np.flatnonzero((inside(label, frame.y) > 200).any(axis=1))
    assert lit[-1] - lit[0] + 1 >= 0.05 * 720


@pytest.mark.parametrize(("width", "height"), [(97, 160), (96, 161), (8, 8), (720, 10)])
def test_a_frame_that_cannot_carry_a_label_is_refused(width, height):
    with pytest.raises(ValueError, match=r"even sizes|no label can be read"):
        make_label(SourceType.MODIFIED, "en", width=width, height=height)


def test_stamping_changes_its_rectangle_and_nothing_else():
    label = make_label(SourceType.MODIFIED, "en", width=96, height=160)
    before, frame = busy(width=96, height=160), busy(width=96, height=160)

    label.stamp(frame)

    for plane, old, scale in ((frame.y, before.y, 1), (frame.u, before.u, 2), (frame.v, before.v, 2)):
        outside = plane.copy()
        inside(label, outside, scale)[:] = inside(label, old, scale)
        assert np.array_equal(outside, old)
    assert not np.array_equal(inside(label, frame.y), inside(label, before.y))


def test_the_darkest_and_the_brightest_picture_stay_in_the_limited_range():
    for luma in (BLACK, WHITE):
        frame = plain(luma, width=96, height=160)
        make_label(SourceType.MODIFIED, "en", width=96, height=160).stamp(frame)

        assert frame.y.min() >= BLACK
        assert frame.y.max() <= WHITE
        assert (frame.u.min(), frame.u.max(), frame.v.min(), frame.v.max()) == (128, 128, 128, 128)


def test_a_frame_of_another_size_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        make_label(SourceType.MODIFIED, "en", width=96, height=160).stamp(plain(BLACK, width=160, height=96))


@pytest.mark.parametrize("backdrop", ["white", "black", "busy"])
def test_words_keep_seven_to_one_in_the_decoded_clip_and_at_half_its_size(backdrop, tmp_path):
    width, height = 720, 400
    label = make_label(SourceType.MODIFIED, "en", width=width, height=height * 2)
    frame = {
        "white": plain(WHITE, width=width, height=height * 2),
        "black": plain(BLACK, width=width, height=height * 2),
        "busy": busy(width=width, height=height * 2),
    }[backdrop]
    label.stamp(frame)
    encode_still(frame, tmp_path / "clip.mp4")

    assert decoded_contrast(tmp_path / "clip.mp4", label, scale=1) >= 7
    assert decoded_contrast(tmp_path / "clip.mp4", label, scale=2) >= 7


def encode_still(frame: Frame, path: Path) -> None:
    height, width = frame.y.shape
    planes = np.concatenate([frame.y.ravel(), frame.u.ravel(), frame.v.ravel()]).reshape(
        height * 3 // 2, width
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "33", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def decoded_contrast(path: Path, label: Label, *, scale: int) -> float:
    """WCAG contrast of the letters' strokes and the pill around them, the worst of all frames."""
    cover = label.layers[0]
    strokes, pill = cover.keep == 0, cover.keep == np.bincount(cover.keep.ravel()).argmax()
    where = [
        mask.reshape(label.height // scale, scale, label.width // scale, scale).all(axis=(1, 3))
        for mask in (strokes, pill)
    ]
    ratios = []
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            half = picture.reformat(width=picture.width // scale, height=picture.height // scale)
            words, ground = (
                np.median(luminance(inside(label, half.to_ndarray(), scale)[mask])) for mask in where
            )
            ratios.append((words + 0.05) / (ground + 0.05))
    assert len(ratios) == 4
    return min(ratios)


def luminance(luma: np.ndarray) -> np.ndarray:
    value = np.clip((luma.astype(float) - BLACK) / (WHITE - BLACK), 0, 1)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
