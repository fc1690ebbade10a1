"""What stands for what in disguised captions: look-alike letters, digits, emoji, invisible characters."""

from __future__ import annotations

import re

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Zero-width and format characters, variation selectors, tags. Joiners matter for display, not for matching."""

SEPARATORS = " \t.-_*~·,/\\|+=:;'"
"""What keeps single letters apart when a word is spelled out."""

LEET = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "£": "l", "¡": "i",
}  # fmt: skip

UNITS = frozenset(
    [
        "fps",
        "k",
        "d",
        "x",
        "s",
        "sec",
        "st",
        "nd",
        "rd",
        "th",
        "p",
        "px",
        "mm",
        "cm",
        "km",
        "m",
        "h",
        "hr",
        "min",
        "am",
        "pm",
        "er",
        "e",
        "g",
        "kg",
        "l",
        "a",
        "hz",
        "ms",
        "years",
        "jahre",
        "anni",
    ]
)
"""What honestly follows a number without a space: "60fps", "3d", "1980s"."""

CYRILLIC_TO_LATIN = dict(
    zip(
        "авекмнорстухіјѕԁԛԝһӏпгиьзёїαβεηικνοπρτυχωγσϲϳɡցօսհոѵɑℓ∂ʀɴɪʏᴀʙᴄᴅᴇɢʜᴊᴋʟᴍᴏᴘꜱᴛᴜᴠᴡᴢ",
        "abekmhopctyxijsdqwhlnrub3eiabenikvonptuxwyocjggouhnvaldrniyabcdeghjklmopstuvwz",
        strict=True,
    )
)
"""Letters of Cyrillic, Greek, Armenian and phonetic alphabets by the Latin letter that they look like."""

EMOJI_WORDS = {
    "🔫": "gun", "🔪": "knife", "🗡": "dagger", "💣": "bomb", "💥": "explosion", "🩸": "blood",
    "🍆": "penis", "🍑": "buttocks", "💦": "cum", "🔞": "porn", "🌽": "porn", "👙": "bikini",
    "🍒": "breasts", "👅": "tongue", "💉": "syringe", "💊": "pill", "☠": "dead", "💀": "dead",
    "⚰": "coffin", "🖕": "middle finger", "🚬": "cigarette", "🍺": "beer", "🍷": "wine", "🥃": "whiskey",
    "👶": "baby", "👧": "girl", "👦": "boy", "🧒": "child", "👩": "woman", "👨": "man", "👗": "dress", "👕": "shirt",
    "❄": "snow", "🌨": "snow", "☃": "snowman", "🌧": "rain", "🌫": "fog", "🌬": "wind", "🌅": "sunrise", "🌇": "sunset",
    "💋": "kiss", "😘": "blows a kiss", "💃": "dances", "😊": "smile", "😄": "laugh", "👋": "waves", "❤": "love",
    "😉": "wink", "🤗": "hug", "🔥": "fire", "✨": "sparkles", "🎆": "fireworks", "🌸": "petals", "🍂": "leaves",
}  # fmt: skip
"""Emoji by the noun that they stand for. Alone they decide nothing; the rules read them in their sentence."""
