from typing import Any

import pytest
from telegram import Message

from engine.schema import PhotoProblem
from handlers.albums import Albums
from handlers.photo import PhotoFile, find_photo

ANN = {"id": 5, "is_bot": False, "first_name": "Ann"}


def message(number: int = 7, **fields: Any) -> Message:
    chat = {"id": 5, "type": "private", "first_name": "Ann"}
    return Message.de_json(
        {"message_id": number, "date": 1_800_000_000, "chat": chat, "from": ANN} | fields, None
    )


def size(name: str, width: int, height: int, size_bytes: int = 1000) -> dict[str, Any]:
    return {
        "file_id": name,
        "file_unique_id": name,
        "width": width,
        "height": height,
        "file_size": size_bytes,
    }


def document(mime: str | None, size_bytes: int = 1000) -> dict[str, Any]:
    return {"file_id": "d", "file_unique_id": "d", "file_size": size_bytes} | (
        {"mime_type": mime} if mime else {}
    )


def test_the_largest_size_is_taken_wherever_it_stands() -> None:
    sizes = [size("middle", 320, 240), size("large", 1280, 960), size("small", 90, 67)]

    assert find_photo(message(photo=sizes)) == PhotoFile("large", 1000)


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp", "image/heic", "IMAGE/PNG"])
def test_image_files_are_taken(mime: str) -> None:
    assert find_photo(message(document=document(mime))) == PhotoFile("d", 1000)


@pytest.mark.parametrize(
    ("mime", "problem"),
    [
        ("image/gif", PhotoProblem.UNSUPPORTED_FORMAT),
        ("image/svg+xml", PhotoProblem.UNSUPPORTED_FORMAT),
        ("video/mp4", PhotoProblem.NOT_AN_IMAGE),
        (None, PhotoProblem.NOT_AN_IMAGE),
    ],
)
def test_other_files_are_named_for_what_they_are_not(mime: str | None, problem: PhotoProblem) -> None:
    assert find_photo(message(document=document(mime))) is problem


def test_a_file_that_telegram_would_not_give_us_is_too_large() -> None:
    assert find_photo(message(document=document("image/png", 20_000_000))) == PhotoFile("d", 20_000_000)
    assert find_photo(message(document=document("image/png", 20_000_001))) is PhotoProblem.TOO_MANY_BYTES


def test_a_message_without_a_picture_has_none() -> None:
    assert find_photo(message(text="hello")) is None


def test_all_of_an_album_agree_on_the_captioned_photo_and_else_on_the_first() -> None:
    albums = Albums()
    captioned = [
        message(n, media_group_id="1", **({"caption": "snow"} if n == 12 else {})) for n in (11, 12, 13)
    ]
    plain = [message(n, media_group_id="2") for n in (22, 21)]

    joined = [albums.join(each) for each in (*captioned, *plain)]

    assert [album.chosen.message_id for album in joined] == [12, 12, 12, 21, 21]


def test_an_album_is_forgotten_when_the_last_of_it_leaves() -> None:
    bot_data: dict[Any, Any] = {}
    albums = Albums.of(bot_data)
    first, second = message(1, media_group_id="1"), message(2, media_group_id="1")
    albums.join(first)
    albums.join(second)

    albums.forget(first)
    late = albums.join(message(3, media_group_id="1"))
    albums.forget(second)
    albums.forget(first)
    anew = albums.join(message(4, media_group_id="1"))

    assert len(late.messages) == 3
    assert anew.chosen.message_id == 4
    assert Albums.of(bot_data) is albums
