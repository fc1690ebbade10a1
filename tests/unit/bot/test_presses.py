"""Presses that no button of ours would make: a stranger's client may send any data from any message of the bot."""

import asyncio

import pytest

from bot import app, config
from bot.config import TelegramAddress
from bot.database import Database
from bot.store import SqliteStore
from handlers.buttons import Action, Press
from handlers.context import ClipRecord, Group

ANN, BOB, FRIENDS = 100_000_001, 100_000_002, -4_000_001
CLIP_OF_BOB = "00000000-0000-8000-8000-00000000000b"


@pytest.fixture
async def in_friends(bot) -> dict[str, int]:
    """Two messages of the bot in the group: one that is nobody's clip, and Bob's clip."""
    return {
        "other": (await bot.send_message(FRIENDS, "I have your photo")).message_id,
        "clip": (await bot.send_message(FRIENDS, "Bob's clip")).message_id,
    }


@pytest.fixture
async def running(tmp_path, playground, in_friends, engine):
    """The whole bot, which knows a clip that Bob made in the group."""
    (tmp_path / "config.toml").write_text(
        f'[bot]\noperator_chat = {ANN}\nengine_socket = "{engine.socket}"\n[web]\nport = 0\n'
    )
    configuration = config.load(tmp_path / "config.toml")
    async with Database(configuration.data / "bot.sqlite") as database:
        store = SqliteStore(database, now=lambda: 1_800_000_000.0)
        await store.saw_group(Group(chat_id=FRIENDS, title="Friends"))
        await database.run(lambda connection: connection.execute(*_row_of(in_friends["clip"])).close())
    stop = asyncio.Event()
    address = TelegramAddress(playground.token, playground.base_url, playground.base_file_url)
    task = asyncio.create_task(app.run(configuration, address, stop=stop))
    yield
    stop.set()
    await asyncio.wait_for(task, 60)


def _row_of(message_id: int) -> tuple[str, tuple[object, ...]]:
    record = ClipRecord(
        job_id=CLIP_OF_BOB,
        user_id=BOB,
        maker_name="Bob",
        file_id="file",
        label="AI",
        shows_people=False,
        chat_id=FRIENDS,
        message_id=message_id,
    )
    values = (*(getattr(record, name) for name in record.__struct_fields__), 4e9)
    names = ", ".join((*record.__struct_fields__, "delivered_at"))
    return f"INSERT INTO clips({names}) VALUES({', '.join('?' * len(values))})", values


@pytest.mark.usefixtures("running")
async def test_delete_takes_away_ones_own_clip_wherever_it_is_pressed(playground, in_friends):
    press = Press(Action.DELETE, CLIP_OF_BOB).data

    answer = await playground.play.press_data("bob", press, message_id=in_friends["other"], chat="friends")
    await playground.play.wait_until(lambda: _gone(playground, in_friends["clip"]))

    assert answer.text == "Deleted."
    assert in_friends["other"] in {seen.id for seen in await playground.play.messages("friends")}


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "press",
    [
        Press(Action.PEOPLE_DISAGREE, CLIP_OF_BOB),
        Press(Action.SHARE, CLIP_OF_BOB),
        Press(Action.SHARE_TO, CLIP_OF_BOB, chat_id=FRIENDS),
        Press(Action.PEOPLE_AGREE, CLIP_OF_BOB, chat_id=FRIENDS),
    ],
    ids=lambda press: press.action.name.lower(),
)
async def test_menus_that_are_private_do_nothing_to_messages_of_a_group(playground, in_friends, press):
    before = [seen.text for seen in await playground.play.messages("friends")]

    await playground.play.press_data("bob", press.data, message_id=in_friends["other"], chat="friends")
    await asyncio.sleep(0.3)

    assert [seen.text for seen in await playground.play.messages("friends")] == before


@pytest.mark.usefixtures("running")
async def test_who_reports_again_and_again_bothers_the_operator_once(playground, in_friends, engine):
    press = Press(Action.REPORT_CLIP, CLIP_OF_BOB).data

    for _ in range(3):
        await playground.play.press_data("ann", press, message_id=in_friends["clip"], chat="friends")
    await playground.play.wait_until(lambda: _reported(engine, times=3))
    await playground.play.wait("ann", lambda seen: "Report" in seen.text)

    assert len([seen for seen in await playground.play.messages("ann") if "Report" in seen.text]) == 1
    assert len(await playground.play.calls("sendVideo")) == 1


async def _reported(engine, *, times: int):
    return engine.asked.count(f"reported {CLIP_OF_BOB}") == times or None


async def _gone(playground, message_id: int):
    return message_id not in {seen.id for seen in await playground.play.messages("friends")} or None
