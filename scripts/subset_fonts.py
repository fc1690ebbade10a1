"""Makes the label's fonts from Noto's, with the letters of words.toml only: subset_fonts.py NOTO PROVENANCE.

Latin, Cyrillic, Greek and CJK fonts are cut down. For scripts whose letters join, stack or run from the right,
each *word* is set here and becomes one glyph in the private use area (`fonts/words.toml` says which): Pillow
could only set them with FriBiDi, which its wheels take from the system, where it is often missing.
Needs fontTools and uharfbuzz (see scripts/subset-fonts); nothing of it is needed to run Zoetrope.
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import uharfbuzz as hb
from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

LATIN = "truetype/noto/NotoSans-Bold.ttf"
SHAPED = {  # file, script, direction, reference letter
    "arabic": ("truetype/noto/NotoSansArabic-Bold.ttf", "Arab", "rtl", "ا"),
    "hebrew": ("truetype/noto/NotoSansHebrew-Bold.ttf", "Hebr", "rtl", "א"),
    "devanagari": ("truetype/noto/NotoSansDevanagari-Bold.ttf", "Deva", "ltr", "क"),
    "bengali": ("truetype/noto/NotoSansBengali-Bold.ttf", "Beng", "ltr", "ক"),
    "thai": ("truetype/noto/NotoSansThai-Bold.ttf", "Thai", "ltr", "ก"),
}
CJK = "opentype/noto/NotoSansCJK-Bold.ttc"
FACES = {"japanese": "Noto Sans CJK JP", "korean": "Noto Sans CJK KR", "chinese": "Noto Sans CJK SC"}

FIRST_WORD = 0xE000
LICENCE_NAMES = {0: "copyright", 13: "licenseDescription", 14: "licenseInfoURL"}


def main() -> None:
    noto, provenance = Path(sys.argv[1]), Path(sys.argv[2])
    words = tomllib.loads((provenance / "words.toml").read_text(encoding="utf-8"))
    tables = []
    for script in sorted({entry["script"] for entry in words.values()}):
        texts = [
            entry[kind]
            for entry in words.values()
            for kind in ("generated", "modified")
            if entry["script"] == script
        ]
        if script in SHAPED:
            font, glyphs = _shaped(script, noto, sorted({word for text in texts for word in text.split()}))
            tables.append(_table(script, glyphs))
        else:
            font = _cut(script, noto, "".join(texts) + "A ")
        path = provenance / "fonts" / f"{script}.{'otf' if script in FACES else 'ttf'}"
        font.save(path)
        print(f"{path}: {path.stat().st_size} bytes")
    head = "# Written by scripts/subset-fonts: which glyph of a script's font is which word, already set.\n"
    (provenance / "fonts" / "words.toml").write_text(head + "\n".join(tables), encoding="utf-8")


def _table(script: str, glyphs: dict[str, int]) -> str:
    return "\n".join([f"[{script}]", *(f'"{word}" = "\\u{code:04x}"' for word, code in glyphs.items()), ""])


def _cut(script: str, noto: Path, letters: str) -> TTFont:
    font = (
        _face(noto / CJK, FACES[script]) if script in FACES else TTFont(noto / LATIN, recalcTimestamp=False)
    )
    cutter = subset.Subsetter(
        subset.Options(
            layout_features=["kern"], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 5, 13, 14]
        )
    )
    cutter.populate(text=letters)
    cutter.subset(font)
    return font


def _face(collection: Path, family: str) -> TTFont:
    for number in range(10):
        font = TTFont(collection, fontNumber=number, recalcTimestamp=False)
        if font["name"].getDebugName(1) == family:
            return font
    raise SystemExit(f"{collection} has no {family}")


def _shaped(script: str, noto: Path, words: list[str]) -> tuple[TTFont, dict[str, int]]:
    """A font of finished words, and the code point of each."""
    file, tag, direction, reference = SHAPED[script]
    native, latin = Setter(noto / file, tag, direction), Setter(noto / LATIN, "Latn", "ltr")
    texts = {ord(reference): reference, **{FIRST_WORD + number: word for number, word in enumerate(words)}}
    glyphs, advances = (
        {".notdef": TTGlyphPen(None).glyph(), "space": TTGlyphPen(None).glyph()},
        {".notdef": 500, "space": 260},
    )
    for code, text in texts.items():
        pen, x = TTGlyphPen(None), 0
        for setter, run in _runs(text, native, latin):
            x = setter.draw(run, pen, x)
        glyphs[f"uni{code:04X}"], advances[f"uni{code:04X}"] = pen.glyph(), x
    font = _build(glyphs, advances, {32: "space", **{code: f"uni{code:04X}" for code in texts}}, native.font)
    return font, {word: FIRST_WORD + number for number, word in enumerate(words)}


def _runs(word: str, native: "Setter", latin: "Setter") -> Iterator[tuple["Setter", str]]:
    """Parts of one word as they stand from left to right: Latin letters (and all of a Latin word) apart."""
    if not any(native.has(letter) and not letter.isascii() for letter in word):
        return iter([(latin, word)])
    runs: list[tuple[Setter, str]] = []
    for letter in word:
        setter = latin if letter.isascii() else native
        if runs and runs[-1][0] is setter:
            runs[-1] = (setter, runs[-1][1] + letter)
        else:
            runs.append((setter, letter))
    if native.direction == "rtl":
        # A hyphen before Latin letters belongs to the word on its right, so it stands to their right.
        runs = [(setter, run[1:] + "-" if run.startswith("-") else run) for setter, run in reversed(runs)]
    return iter(runs)


class Setter:
    """One font that sets text in one direction."""

    def __init__(self, path: Path, script: str, direction: str) -> None:
        self.font = TTFont(path)
        self.direction, self._script = direction, script
        self._glyphs, self._letters = self.font.getGlyphSet(), self.font.getBestCmap()
        self._hb = hb.Font(hb.Face(path.read_bytes()))
        assert self.font["head"].unitsPerEm == 1000

    def has(self, letter: str) -> bool:
        return ord(letter) in self._letters

    def draw(self, text: str, pen: TTGlyphPen, x: float) -> float:
        """Draw from `x` on and return where the next run begins."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.direction, buffer.script = self.direction, self._script
        hb.shape(self._hb, buffer)
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            assert info.codepoint, f"{self._script} has no letter for {text!r}"
            name = self.font.getGlyphName(info.codepoint)
            at = (1, 0, 0, 1, x + place.x_offset, place.y_offset)
            self._glyphs[name].draw(TransformPen(_Flattened(pen, self._glyphs), at))
            x += place.x_advance
        return x


class _Flattened:
    """A pen that draws components as outlines: the new font has no letters to refer to."""

    def __init__(self, pen: TTGlyphPen, glyphs: object) -> None:
        self._pen, self._glyphs = pen, glyphs

    def __getattr__(self, name: str) -> object:
        return getattr(self._pen, name)

    def addComponent(self, name: str, transformation: tuple[float, ...]) -> None:  # noqa: N802 - fontTools' name
        self._glyphs[name].draw(TransformPen(self, transformation))


def _build(glyphs: dict, advances: dict, letters: dict[int, str], source: TTFont) -> TTFont:
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(letters)
    builder.setupGlyf(glyphs)
    sides = {name: getattr(glyph, "xMin", 0) for name, glyph in builder.font["glyf"].glyphs.items()}
    builder.setupHorizontalMetrics({name: (round(advances[name]), sides[name]) for name in glyphs})
    builder.setupHorizontalHeader(ascent=1069, descent=-293)
    names = {key: source["name"].getDebugName(number) for number, key in LICENCE_NAMES.items()}
    builder.setupNameTable({"familyName": "Zoetrope Label", "styleName": "Bold", **names})
    builder.setupOS2(usWeightClass=700)
    builder.setupPost()
    builder.updateHead(created=source["head"].created, modified=source["head"].modified)
    builder.font.recalcTimestamp = False
    return builder.font


main()
