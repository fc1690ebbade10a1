"""Words in the person's language: gettext catalogues, escaped for Telegram's HTML, plurals and durations included."""

from __future__ import annotations

import functools
import gettext
import html
import io
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import resources

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE_LANGUAGE = "en"
"""The language of the messages in the code; it needs no catalogue."""

LANGUAGES = ("en", "ar", "de", "es", "fa", "fr", "hi", "id", "it", "pl", "pt", "ru", "tr", "uk", "zh")

DOMAIN = "zoetrope"

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
"""Unicode's UAX #9: what stands between them has a direction of its own."""

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def name_of_language(language: str) -> str:
    """In that language itself: "Deutsch"."""
    name = Locale.parse(language).get_display_name(language) or language
    return name[:1].upper() + name[1:]


class Html(str):
    """Text that is already Telegram HTML; everything else is escaped on its way in."""

    __slots__ = ()


class Texts:
    """All messages in one language. Placeholders are `{name}`; values are escaped unless they are `Html`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(language)
        self._catalogue = _catalogue(language)

    def say(self, message: str, /, **values: object) -> Html:
        """A message as Telegram HTML."""
        return self._fill(self._catalogue.gettext(message), values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> Html:
        """A message that depends on `{number}`, as Telegram HTML."""
        return self._fill(self._catalogue.ngettext(one, many, number), {"number": number, **values})

    @property
    def direction(self) -> str:
        """As HTML calls it: "ltr" or "rtl"."""
        return str(self._locale.text_direction)

    def _fill(self, message: str, values: dict[str, object]) -> Html:
        """Names and numbers must not turn the words around them over: in right-to-left text they are isolated."""
        first, last = (FIRST_STRONG_ISOLATE, POP_ISOLATE) if self.direction == "rtl" else ("", "")
        return Html(
            message.format(**{name: f"{first}{_escape(value)}{last}" for name, value in values.items()})
        )

    def plain(self, message: str, /, **values: object) -> str:
        """A message without markup, for buttons, menus and the answers to button presses."""
        return self._catalogue.gettext(message).format(**values)

    def duration(self, seconds: float) -> str:
        """A length of time in words, rounded up to what is honest: 5 s, then minutes, then hours."""
        rounded = _round_up(seconds)
        return str(format_timedelta(rounded, granularity="second", threshold=1, locale=self._locale))

    def moment(self, unix: float, *, now: float) -> Html:
        """A time to come that the reader's app counts down by itself; older apps show the words for how long it is now."""
        words = format_timedelta(
            _round_up(unix - now),
            granularity="second",
            threshold=1,
            add_direction=True,
            locale=self._locale,
        )
        return Html(f'<tg-time unix="{int(unix)}" format="r">{html.escape(str(words))}</tg-time>')

    def day(self, moment: datetime) -> str:
        """A date as it is written in the language; in UTC, so that it is the same for everybody who asks."""
        return str(format_date(moment.astimezone(UTC), format="long", locale=self._locale))

    def listing(self, items: Iterable[str]) -> Html:
        """Items as a sentence names them (`snow, fog, and rain`); they are escaped unless they are `Html`."""
        return Html(format_list([_escape(item) for item in items], locale=self._locale))


def texts(locale: str | None) -> Texts:
    """Messages for a Telegram language code: `pt-br` falls back to `pt`, then to English."""
    return _texts(language_of(locale))


def language_of(locale: str | None) -> str:
    """The catalogue that serves this language code."""
    base = (locale or SOURCE_LANGUAGE).lower().partition("-")[0]
    return base if base in LANGUAGES else SOURCE_LANGUAGE


def locale_of(language_code: str | None) -> str:
    """Telegram's language code as the engine's schema takes it; English where there is none."""
    code = (language_code or "").lower().replace("_", "-")
    return code if _LOCALE.fullmatch(code) else SOURCE_LANGUAGE


def cleaned(text: str, *, limit: int) -> str:
    """A person's own words, safe to show to others: one line, no control or bidi characters, at most `limit` long."""
    seen = "".join(" " if character.isspace() else character for character in text)
    kept = "".join(character for character in seen if unicodedata.category(character)[0] != "C")
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def paragraphs(*parts: str) -> Html:
    """Parts one under the other; empty ones are left out. Parts are escaped unless they are `Html`."""
    return Html("\n".join(_escape(part) for part in parts if part))


def mark(message: str) -> str:
    """Mark a message that is kept in a table, so that it is found for the catalogues."""
    return message


@functools.cache
def _texts(language: str) -> Texts:
    return Texts(language)


def _catalogue(language: str) -> gettext.NullTranslations:
    """Compile the .po in memory: no build step between a translator and the bot."""
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    path = resources.files("handlers") / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(path.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _escape(value: object) -> str:
    return value if isinstance(value, Html) else html.escape(str(value), quote=False)


def _round_up(seconds: float) -> int:
    """Whole steps of 5 s below a minute, of a minute below an hour, else of an hour."""
    step = 5 if seconds <= 55 else 60 if seconds <= 59 * 60 else 3600
    return max(step, -(-int(seconds + 0.999) // step) * step)
