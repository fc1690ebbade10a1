"""The public page in a browser: with mouse, keyboard and drag, in light and dark, read aloud, and without its script."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from bot.web import Pages
from engine.client import Address, EngineClient
from engine.media.clip import LabeledClip
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import load_keys
from engine.provenance.verify import examine
from handlers.pace import Pace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def address(tmp_path: Path, keys_folder: Path) -> AsyncIterator[str]:
    """The page over an engine that is no more than the reader of credentials."""
    root = load_keys(keys_folder).root_pem

    async def verify(request: web.Request) -> web.Response:
        part = await (await request.multipart()).next()
        return web.Response(body=msgspec.json.encode(examine(bytes(await part.read()), root_pem=root)))

    engine = web.Application()
    engine.router.add_post("/verify", verify)
    inner = web.AppRunner(engine, shutdown_timeout=0.1)
    await inner.setup()
    await web.UnixSite(inner, str(tmp_path / "e.sock")).start()
    async with EngineClient(Address(socket=tmp_path / "e.sock")) as client:
        pages = Pages(engine=client, pace=Pace(most=100, seconds=60.0, now=lambda: 0.0))
        outer = web.AppRunner(pages.application(), shutdown_timeout=0.1)
        await outer.setup()
        await web.TCPSite(outer, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{outer.addresses[0][1]}/verify"
        await outer.cleanup()
    await inner.cleanup()


@pytest.fixture
def clip(keys_folder: Path, labeled_clip: LabeledClip, tmp_path: Path) -> dict:
    """A signed clip, as a browser's file."""
    ClipSigner(load_keys(keys_folder)).sign(labeled_clip, to=tmp_path / "signed.mp4")
    data = (tmp_path / "signed.mp4").read_bytes()
    return {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": data}


async def opened(browser: Browser, address: str, mistakes: list[str] | None = None, **options) -> Page:
    context = await browser.new_context(locale="en-GB", viewport={"width": 900, "height": 700}, **options)
    page = await context.new_page()
    if mistakes is not None:
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda told: mistakes.append(told.text) if told.type == "error" else None)
    await page.goto(address)
    return page


async def test_a_file_is_chosen_and_its_answer_is_read_aloud(browser, address, clip):
    mistakes: list[str] = []
    page = await opened(browser, address, mistakes)

    await page.get_by_label("A video or picture").set_input_files([clip])
    await page.get_by_role("button", name="Check").click()

    answer = page.get_by_role("status", name="Answer")
    await expect(answer).to_contain_text("Made by this bot")
    await expect(answer).to_contain_text("modified with AI")
    assert await page.get_by_label("A video or picture").get_attribute("aria-describedby") == "privacy"
    assert mistakes == []


async def test_the_keyboard_is_enough(browser, address, clip):
    page = await opened(browser, address)

    await page.keyboard.press("Tab")
    await expect(page.locator("#file")).to_be_focused()
    await page.locator("#file").set_input_files([clip | {"buffer": b"hello"}])
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Check")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("status")).to_contain_text("Nothing found")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("is not kept")).to_be_visible()


async def test_a_file_can_be_dropped_anywhere(browser, address):
    page = await opened(browser, address)

    await page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["hello"], "x.mp4"));
          const event = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event("dragover"));
          document.body.dispatchEvent(event("drop"));
        }"""
    )

    await expect(page.get_by_role("status")).to_contain_text("Nothing found")


async def test_a_file_that_is_too_large_is_not_even_sent(browser, address, tmp_path):
    (tmp_path / "large.mp4").write_bytes(bytes(20_000_001))
    page = await opened(browser, address)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    await page.locator("#file").set_input_files(tmp_path / "large.mp4")
    await page.get_by_role("button", name="Check").click()

    await expect(page.get_by_role("status")).to_have_text(
        "The file is too large: I look into files up to 20 MB."
    )
    assert "POST" not in sent


async def test_it_works_without_its_script(browser, address, clip):
    page = await opened(browser, address, java_script_enabled=False)

    await page.locator("#file").set_input_files([clip])
    await page.get_by_role("button", name="Check").click()

    await expect(page.get_by_role("status")).to_contain_text("Made by this bot")
    await expect(page.get_by_text("or drop it here")).to_be_hidden()


CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/\\d+/g).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? ground(node.parentElement) : colour;
  };
  return [...document.querySelectorAll("h1, p, label, button, summary")].map((node) => {
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((one, two) => two - one);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read_in_light_and_dark(browser, address, clip, scheme):
    page = await opened(browser, address, color_scheme=scheme)
    await page.locator("#file").set_input_files([clip])
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("status")).to_contain_text("Made by this bot")
    await page.locator("summary").click()

    ratios = await page.evaluate(CONTRAST)

    assert len(ratios) >= 8
    assert min(ratios) >= 4.5  # WCAG 2.2 AA


async def test_it_fits_a_small_phone(browser, address):
    page = await opened(browser, address)
    await page.set_viewport_size({"width": 320, "height": 600})

    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
