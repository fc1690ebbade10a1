"""The public page over HTTP, without its script."""

import asyncio
import socket

import aiohttp
import pytest

from bot.config import WebConfig
from bot.web import AT_ONCE, Pages, serving
from engine.client import Address, EngineClient
from engine.errors import ConfigError
from handlers.pace import Pace

AS_JSON = {"Accept": "application/json"}


def a_pace(most: int = 100) -> Pace:
    return Pace(most=most, seconds=3600.0, now=lambda: 0.0)


def a_form(data: bytes, name: str = "file") -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field(name, data, filename="clip.mp4", content_type="video/mp4")
    return form


@pytest.fixture
async def page(aiohttp_client, client):
    return await aiohttp_client(Pages(engine=client, pace=a_pace()).application())


async def test_the_page_is_whole_in_every_language_and_lets_nothing_foreign_in(page):
    for wanted, language, title in (
        ("de-AT,de;q=0.9", "de", "Wurde dieses Video hier gemacht?"),
        ("ar", "ar", "هل صُنع هذا الفيديو هنا؟"),
        ("nn-NO, it;q=0.5, en", "it", "Questo video è stato creato qui?"),
        ("zz", "en", "Was this video made here?"),
        ("<script>", "en", "Was this video made here?"),
    ):
        async with page.get("/verify", headers={"Accept-Language": wanted}) as answer:
            text = await answer.text()

        direction = "rtl" if language == "ar" else "ltr"
        assert answer.status == 200
        assert f'<html lang="{language}" dir="{direction}">' in text
        assert f"<h1>{title}</h1>" in text
        assert "$" not in text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_file_is_answered_with_a_page_and_for_the_script_with_the_answer_alone(page):
    async with page.post("/verify", data=a_form(b"ours")) as answer:
        assert answer.status == 200
        assert "<p>✅ <b>Made by this bot</b> on November 24, 2026" in await answer.text()
    async with page.post("/verify", data=a_form(b"other"), headers=AS_JSON) as answer:
        told = await answer.json()

    assert [line[:21] for line in told["paragraphs"]] == ["🤷 <b>Nothing found</b", "This tells where a fi"]


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"no form"},
        {"data": b"broken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"data": b"broken", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": a_form(b"ours", name="another")},
        {},
    ],
    ids=["no form", "broken", "no boundary", "another part", "nothing"],
)
async def test_what_is_no_form_gets_an_answer(page, options):
    async with page.post("/verify", **options) as answer:
        assert answer.status == 200
        assert "Nothing found" in await answer.text()


async def test_a_file_beyond_the_limit_is_read_no_further(page, engine):
    async with page.post("/verify", data=a_form(bytes(20_000_001)), headers=AS_JSON) as answer:
        assert answer.status == 413
        assert "up to 20 MB" in await answer.text()

    assert engine.asked == []


async def test_one_address_asks_so_often_and_a_proxys_visitors_each(aiohttp_client, client):
    plain = await aiohttp_client(Pages(engine=client, pace=a_pace(1)).application())
    proxied = await aiohttp_client(Pages(engine=client, pace=a_pace(1), behind_proxy=True).application())

    async def status(page, forwarded: str) -> int:
        async with page.post("/verify", data=a_form(b"x"), headers={"X-Forwarded-For": forwarded}) as answer:
            return answer.status

    assert [await status(plain, name) for name in ("1.1.1.1", "2.2.2.2")] == [200, 429]
    assert [await status(proxied, name) for name in ("1.1.1.1", "9.9.9.9, 2.2.2.2", "8.8.8.8, 2.2.2.2")] == [
        200,
        200,
        429,
    ]


async def test_without_an_engine_it_says_try_again(aiohttp_client, tmp_path):
    async with EngineClient(Address(socket=tmp_path / "none.sock")) as away:
        page = await aiohttp_client(Pages(engine=away, pace=a_pace()).application())
        async with page.post("/verify", data=a_form(b"x")) as answer:
            assert answer.status == 503
            assert "right now. Please try again" in await answer.text()


async def test_only_so_many_files_at_once(aiohttp_client, client):
    pages = Pages(engine=client, pace=a_pace())
    page = await aiohttp_client(pages.application())

    for _ in range(AT_ONCE):
        await pages.places.acquire()
    async with page.post("/verify", data=a_form(b"x")) as answer:
        assert answer.status == 503


async def test_a_taken_port_is_one_sentence_and_port_0_is_no_page(client):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = WebConfig(port=other.getsockname()[1])
        with pytest.raises(ConfigError, match=r"\[web\] port \d+ cannot be used"):
            async with serving(taken, engine=client, pace=a_pace()):
                pass
    async with asyncio.timeout(60), serving(WebConfig(port=0), engine=client, pace=a_pace()) as port:
        assert port == 0
