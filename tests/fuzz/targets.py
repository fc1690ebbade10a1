"""What foreign bytes meet first: each target takes any bytes at all and may end only as it says it does."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import av
import numpy as np
from aiohttp import streams
from aiohttp.test_utils import make_mocked_request
from PIL import Image, features
from telegram import Update, User
from telegram.ext import ExtBot

from bot.app import handler_table
from bot.inbox import _revive
from bot.lanes import _patience, lane_of
from engine.api.bodies import parts_of, photo_part, request_part
from engine.errors import InvalidRequest, PhotoRejected
from engine.media.photo import decode
from engine.prompts.parse import parse_prompt
from engine.provenance.reading import LEAST_PIXELS, picture_of, read_luma, read_pictures
from engine.schema import MAX_PROMPT_CHARACTERS
from handlers.buttons import read_press
from handlers.filters import words_for_us

KEY = bytes(range(32))
LOCALES = ("en", "de", "ar", "ja", "zh", "hi")
JOB = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Target:
    """`feed` raises only for a bug. `seeds` are good inputs to begin with, `words` what they are made of."""

    feed: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    quick: int = 20_000
    """Executions in the tests: fewer where one costs a third of a second."""


# --- photo ----------------------------------------------------------------------------------------------


def feed_photo(data: bytes) -> None:
    with contextlib.suppress(PhotoRejected):
        decode(data)


def photo_seeds() -> list[bytes]:
    seeds = []
    picture = Image.effect_noise((66, 64), 40)
    for mode, kind in itertools.product(("L", "RGB", "RGBA", "CMYK", "P"), ("JPEG", "PNG", "WEBP", "MPO")):
        file = io.BytesIO()
        try:
            picture.convert(mode).save(
                file, kind, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
            )
        except (OSError, KeyError):
            continue
        seeds.append(file.getvalue())
    if features.check("webp"):
        file = io.BytesIO()
        picture.save(file, "WEBP", save_all=True, append_images=[picture])
        seeds.append(file.getvalue())
    return [*seeds, *crash_files()]


def crash_files() -> list[bytes]:
    """Pillow's own crash files, where its source is unpacked: ZOETROPE_PILLOW_IMAGES names the folder Tests/images."""
    folder = os.environ.get("ZOETROPE_PILLOW_IMAGES")
    return [] if not folder else [it.read_bytes() for it in sorted(Path(folder).glob("**/*")) if it.is_file()]


# --- prompt ---------------------------------------------------------------------------------------------


def feed_prompt(data: bytes) -> None:
    prompt = data[1:].decode("utf-8", "replace")[:MAX_PROMPT_CHARACTERS]
    parse_prompt(prompt, locale=LOCALES[data[0] % len(LOCALES)] if data else "en")


def prompt_seeds() -> list[bytes]:
    captions = (
        *(
            "gentle snow, slow zoom in, no sound",
            "nothing but rain & thunder!!",
            "make   the HAIR blow \u200bleft",
        ),
        *(
            "Schnee, aber keine Kamerafahrt",
            "pas de mouvement de caméra",
            "雪が降る、ゆっくりズーム",
            "дождь без звука",
        ),
        *("ثلج خفيف", "बारिश", "ɯous", "s.n.o.w", "𝕤𝕟𝕠𝕨", "loop it 3x then 0,5 s at 10 %"),
    )
    return [bytes([number]) + it.encode() for number, it in enumerate(captions)]


# --- multipart ------------------------------------------------------------------------------------------

_BOUNDARY = b"frontier"
LOOP = asyncio.new_event_loop()


def feed_multipart(data: bytes) -> None:
    LOOP.run_until_complete(_read_job(data))


async def _read_job(data: bytes) -> None:
    loop = asyncio.get_running_loop()
    protocol = mock.Mock(_reading_paused=False)
    body = streams.StreamReader(protocol, 2**16, loop=loop)
    body.feed_data(data)
    body.feed_eof()
    request = make_mocked_request(
        "PUT",
        f"/jobs/{JOB}",
        headers={"Content-Type": f"multipart/form-data; boundary={_BOUNDARY.decode()}"},
        payload=body,
    )
    try:
        parts = parts_of(request)
        await request_part(parts, job_id=JOB)
        await photo_part(parts)
    except (InvalidRequest, PhotoRejected):
        pass


def multipart_seeds() -> list[bytes]:
    words = (
        f'{{"job_id":"{JOB}","prompt":"snow","locale":"en","requester":"{"a" * 16}","reply_to":"{"b" * 16}"}}'
    )
    whole = _part("request", words.encode(), "application/json") + _part(
        "photo", b"\xff\xd8\xff" + bytes(40), "image/jpeg"
    )
    coded = whole.replace(
        b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\nContent-Encoding: deflate\r\n\r\n"
    )
    nested = _part("request", whole, "multipart/mixed; boundary=inner")
    return [it + b"--" + _BOUNDARY + b"--\r\n" for it in (whole, coded, nested, whole[:80], b"")]


def _part(name: str, body: bytes, kind: str) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    return b"--" + _BOUNDARY + b"\r\n" + head.encode() + body + b"\r\n"


# --- update ---------------------------------------------------------------------------------------------


def _offline_bot() -> ExtBot[None]:
    bot: ExtBot[None] = ExtBot("123456:a-token-of-nobody-at-all-here")
    bot._bot_user = User(1, "Zoetrope", is_bot=True, username="zoetrope_bot")
    return bot


BOT = _offline_bot()
HANDLERS = [handler for group in handler_table() for handler in group]


def feed_update(data: bytes) -> None:
    """An update of Telegram's shape with a stranger's words and numbers in it: kept, sorted, read, and offered to all."""
    update = Update.de_json(_update_of(data), BOT)
    kept = _revive("telegram", update.to_json().encode(), BOT)
    assert isinstance(kept, Update)
    lane_of(kept)
    _patience(kept)
    if kept.effective_message is not None:
        words_for_us(kept.effective_message, "zoetrope_bot")
    if kept.callback_query is not None and kept.callback_query.data is not None:
        press = read_press(kept.callback_query.data)
        assert press is None or abs(press.chat_id or 0) < 2**63
    for handler in HANDLERS:
        handler.check_update(kept)


def _update_of(data: bytes) -> dict[str, object]:
    """The first bytes choose the kind and the numbers, the rest is what somebody wrote."""
    head, words = data[:8].ljust(8, b"\0"), data[8:].decode("utf-8", "replace")
    number = int.from_bytes(head[1:6], "big", signed=True)
    user = {"id": abs(number), "is_bot": False, "first_name": words[:64] or "x", "language_code": words[:8]}
    chat = {
        "id": number,
        "type": ("private", "group", "supergroup", "channel")[head[6] % 4],
        "title": words[:20],
    }
    entity = _entity(words, start=head[6], length=head[7])
    message: dict[str, object] = {
        "message_id": head[7],
        "date": 1_767_225_600,
        "chat": chat,
        "from": user,
    }
    kind = head[0] % 8
    if kind in {0, 1, 2}:
        message |= {"text": words, "entities": [entity] * (head[6] % 3)}
    if kind in {2, 3, 4}:
        message |= {"caption": words, "caption_entities": [entity], "media_group_id": words[:9] or None}
        message |= {
            "photo": [
                {"file_id": words[:30], "file_unique_id": words[:9], "width": head[1], "height": head[2]}
            ]
        }
    if kind == 4:
        document = {
            "file_id": words,
            "file_unique_id": "x",
            "file_name": words,
            "mime_type": words,
            "file_size": number,
        }
        message |= {"document": document, "reply_to_message": dict(message)}
    if kind == 5:
        message |= {
            "chat_shared": {"request_id": number, "chat_id": number, "title": words},
            "migrate_to_chat_id": number,
        }
    if kind == 6:
        return {
            "update_id": abs(number),
            "callback_query": {
                "id": words,
                "from": user,
                "chat_instance": words,
                "data": words,
                "message": message,
            },
        }
    if kind == 7:
        member = {"user": user, "status": ("left", "member")[head[6] % 2]}
        change = {"chat": chat, "from": user, "date": 1, "old_chat_member": member, "new_chat_member": member}
        return {"update_id": abs(number), "my_chat_member": change}
    return {"update_id": abs(number), ("message", "edited_message")[head[5] % 2]: message}


def _entity(words: str, *, start: int, length: int) -> dict[str, object]:
    """Telegram counts in UTF-16 and never cuts a character."""
    before, within = (
        len(it.encode("utf-16-le")) // 2 for it in (words[:start], words[start : start + length])
    )
    kind = ("bot_command", "mention", "url", "custom_emoji")[length % 4]
    return {"type": kind, "offset": before, "length": within}


def update_seeds() -> list[bytes]:
    words = (
        "/start",
        "/animate@zoetrope_bot snow",
        "/cancel",
        "@zoetrope_bot rain",
        "c:AAAAAAAAQACAAAAAAAAAAQ",
        "g:AAAAAAAAQACAAAAAAAAAAQ:-100123",
    )
    return [bytes([kind, 0, 0, 0, 9, kind % 2, kind, 6]) + it.encode() for kind in range(8) for it in words]


# --- watermark ------------------------------------------------------------------------------------------


def feed_watermark(data: bytes) -> None:
    """Any picture at all, however it is shaped, in the reader that holds the key."""
    head, body = data[:4].ljust(4, b"\0"), data[4:] or b"\0"
    height, width = LEAST_PIXELS + head[0] % 64, LEAST_PIXELS + head[1] * 2
    luma = np.resize(np.frombuffer(body, np.uint8), (height, width))
    read_pictures([picture_of(luma)] * (1 + head[2] % 2), KEY, everywhere=False)


def watermark_seeds() -> list[bytes]:
    return [bytes([9, 9, 1, 0]) + bytes(range(256)) * 8, bytes([0, 0, 0, 0]) + b"\0\xff" * 64]


def feed_video(data: bytes) -> None:
    """What a stranger's video does to the decoder before the marks are looked for."""
    descriptor = os.memfd_create("fuzz")
    try:
        os.write(descriptor, data)
        for _ in itertools.islice(read_luma(Path(f"/proc/self/fd/{descriptor}")), 4):
            pass
    except ValueError:
        pass
    finally:
        os.close(descriptor)


def video_seeds() -> list[bytes]:
    seeds = []
    for kind, codec in (("mp4", "libx264"), ("matroska", "mpeg4")):
        with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
            with av.open(file.name, "w", format=kind) as container:
                stream = container.add_stream(codec, rate=12)
                stream.width, stream.height, stream.pix_fmt = 192, 256, "yuv420p"
                for number in range(3):
                    frame = av.VideoFrame.from_ndarray(
                        np.full((256 * 3 // 2, 192), 40 * number, np.uint8), format="yuv420p"
                    )
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            seeds.append(Path(file.name).read_bytes())
    return seeds


TARGETS = {
    "photo": Target(
        feed_photo, photo_seeds, (b"\xff\xd8", b"\xff\xda", b"IHDR", b"IDAT", b"RIFF", b"WEBP", b"ftypheic")
    ),
    "prompt": Target(
        feed_prompt, prompt_seeds, (b"no ", b"without ", "\u202e".encode(), b"snow", "雪".encode(), b", ")
    ),
    "multipart": Target(
        feed_multipart, multipart_seeds, (b"--frontier", b"\r\n\r\n", b"base64", b"name=", b"--"), quick=5_000
    ),
    "update": Target(feed_update, update_seeds, (b"/start", b"@zoetrope_bot", b":", b"-100", "🖐".encode())),
    "watermark": Target(feed_watermark, watermark_seeds, quick=15),
    "video": Target(feed_video, video_seeds, (b"moov", b"mdat", b"stsz", b"avcC")),
}
