import uuid

import pytest

from handlers.buttons import MAX_DATA_BYTES, Action, Press, button, in_rows, markup, read_press

JOB = str(uuid.UUID(int=2**128 - 1))


def test_every_press_can_be_read_back() -> None:
    for action in Action:
        look = "x" * 32 if action in {Action.PRESET, Action.LANGUAGE, Action.SETTING} else None
        chat = -1001234567890123 if action in {Action.SHARE_TO, Action.PEOPLE_AGREE} else None
        press = Press(action, JOB, look=look, chat_id=chat)

        assert read_press(press.data) == press
        assert len(press.data.encode()) <= MAX_DATA_BYTES


def test_data_that_telegram_would_refuse_is_not_made() -> None:
    with pytest.raises(ValueError, match="callback data"):
        _ = Press(Action.PRESET, JOB, look="x" * 60).data


@pytest.mark.parametrize(
    "data",
    [
        "",
        "c",
        "c:",
        "c:???",
        "z:" + "A" * 22,
        "p:" + "A" * 22,
        "g:" + "A" * 22 + ":friends",
        "c:" + "A" * 21,
        "старый",
    ],
)
def test_old_or_foreign_data_is_no_press(data: str) -> None:
    assert read_press(data) is None


def test_a_keyboard_keeps_its_rows() -> None:
    three = [button(str(number), Action.CANCEL, JOB) for number in range(3)]

    made = markup(in_rows(three))

    assert made is not None
    assert [[each.text for each in row] for row in made.inline_keyboard] == [["0", "1"], ["2"]]
    assert markup(()) is None
