"""The chat page, in a browser: what a newcomer does there works."""

import asyncio
import io

import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
"""One event loop for all, because one browser serves all."""


def picture(size=(1600, 2000), format_name="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", size, "seagreen").save(buffer, format_name)
    return buffer.getvalue()


async def is_playing(page):
    """Asked again and again by hand: Playwright's own waiting evaluates strings, which the page forbids."""
    async with asyncio.timeout(20):
        while not await page.evaluate("document.querySelector('#log video')?.currentTime > 0"):
            await asyncio.sleep(0.05)


async def test_a_newcomer_starts_the_bot_and_reads_its_answer(page, bot):
    await page.get_by_role("button", name="Start").click()

    answer = page.locator("#log .message").last
    await expect(answer.locator("b")).to_have_text("Hello!")
    await expect(answer.get_by_role("button", name="/help")).to_be_visible()


async def test_a_drawn_scene_becomes_a_clip_that_plays(page, bot, play):
    await page.locator("#welcome").get_by_role("button", name="Lighthouse").click()
    await page.get_by_label("Message", exact=True).fill("waves and clouds")
    await page.keyboard.press("Enter")

    video = page.locator("#log video")
    await expect(video).to_be_visible()
    await is_playing(page)
    await expect(page.locator("#log .reactions")).to_have_text("👀")
    sent = (await play.messages("ann"))[0]
    assert sent.text == "waves and clouds"
    assert [(size["width"], size["height"]) for size in sent.raw["photo"]] == [(240, 320), (960, 1280)]


async def test_a_picked_photo_is_made_small_as_telegram_does_and_a_file_stays_as_it_is(page, bot, play):
    files = [{"name": "big.png", "mimeType": "image/png", "buffer": picture()}]
    await page.set_input_files("#photo-input", files)
    await page.get_by_role("button", name="heavy rain").click()
    await page.get_by_role("button", name="Send").click()
    await play.wait("ann", lambda seen: seen.kind == "video")
    await page.set_input_files("#file-input", files)
    await page.get_by_role("button", name="Send").click()
    await play.wait("ann", lambda seen: seen.kind == "document")

    photo, file = [seen for seen in await play.messages("ann") if not seen.from_bot]
    assert (photo.kind, photo.text) == ("photo", "heavy rain")
    assert (await play.media(photo))[:3] == b"\xff\xd8\xff"
    assert max(photo.raw["photo"][-1][side] for side in ("width", "height")) == 1280
    assert (file.kind, file.raw["document"]["file_name"]) == ("document", "big.png")
    assert await play.media(file) == picture()


async def test_what_the_browser_cannot_show_goes_as_a_file(page, play):
    await page.set_input_files(
        "#photo-input", [{"name": "a.heic", "mimeType": "", "buffer": b"\0\0\0\x18ftypheic"}]
    )
    await page.get_by_role("button", name="Send").click()

    sent = await play.wait("ann", lambda seen: seen.kind == "document")

    assert sent.raw["document"]["mime_type"] == "image/heic"


async def test_a_photo_can_be_dropped_into_the_chat(page, play):
    await page.evaluate(
        """async bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
            const target = document.querySelector('#scroll');
            target.dispatchEvent(new DragEvent('dragenter', { dataTransfer: data, bubbles: true }));
            target.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        list(picture((64, 64))),
    )
    await expect(page.locator("#staged-list img")).to_be_visible()
    await page.get_by_role("button", name="Send").click()

    assert (await play.wait("ann", lambda seen: seen.kind == "photo")).text == ""


async def test_a_button_is_answered_and_a_group_chosen(page, bot, play):
    await play.send_photo("ann", picture((64, 80), "JPEG"), "snow")
    await page.get_by_role("button", name="Share").click()
    await expect(page.locator("#toast")).to_have_text("Choose a group")
    await page.get_by_role("button", name="Choose…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Friends").click()

    await expect(page.locator("#log .message").last).to_contain_text("Shared with -4000001")
    await expect(page.locator("#reply-keyboard")).to_be_hidden()


async def test_a_clip_goes_on_playing_when_its_words_change(page, bot, play):
    await play.send_photo("ann", picture((64, 80), "JPEG"), "snow")
    await is_playing(page)
    await page.evaluate("document.querySelector('#log video').mark = 'same'")
    clip = await play.wait("ann", lambda seen: seen.kind == "video")

    await bot.bot.edit_message_caption(clip.chat_id, clip.id, caption="Other words")

    await expect(page.locator("#log .message", has_text="Other words")).to_be_visible()
    assert await page.evaluate("document.querySelector('#log video').mark") == "same"


async def test_bob_writes_in_the_group_and_ann_sees_it(page, bot, play):
    await page.get_by_role("button", name="Friends").click()
    await page.get_by_role("radio", name="Bob").click()
    await page.get_by_label("Message", exact=True).fill("hello Ann")
    await page.keyboard.press("Enter")
    await play.wait("friends", lambda seen: seen.text == "hello Ann")
    await page.get_by_role("radio", name="Ann").click()

    message = page.locator("#log .message", has_text="hello Ann")
    await expect(message).to_contain_class("message other first last")
    await expect(message.locator(".name")).to_have_text("Bob")


async def test_the_menu_holds_the_commands_and_typing_narrows_it(page, bot, play):
    await page.get_by_role("button", name="Menu").click()
    await expect(page.locator("#suggestions li")).to_have_count(2)
    await page.get_by_label("Message", exact=True).fill("/sta")
    await page.get_by_label("Message", exact=True).press_sequentially("t")
    await expect(page.locator("#suggestions li")).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    assert (await play.wait("ann", lambda seen: True)).text == "/status"


async def test_one_can_reply_edit_and_delete(page, play):
    await play.send_text("ann", "first")
    message = page.locator("#log .message")
    await message.hover()
    await message.get_by_role("button", name="Reply").click()
    await page.keyboard.type("second")
    await page.keyboard.press("Enter")
    second = await play.wait("ann", lambda seen: seen.text == "second")
    first = (await play.messages("ann"))[0]
    await expect(message).to_have_count(2)
    await message.last.hover()
    await message.last.get_by_role("button", name="Edit").click()
    await page.get_by_label("Message", exact=True).fill("changed")
    await page.keyboard.press("Enter")
    await play.wait("ann", lambda seen: seen.text == "changed")
    await message.first.hover()
    await message.first.get_by_role("button", name="Delete").click()
    await expect(message).to_have_count(1)

    assert second.reply_to == first.id


async def test_faults_are_switched_on_and_the_calls_are_shown(page, bot, play):
    await page.get_by_role("button", name="Faults and calls").click()
    await page.get_by_role("switch", name="Telegram cannot be reached").check()
    await play.wait_until(lambda: outage(play, wanted=True))
    await page.get_by_role("switch", name="Telegram cannot be reached").uncheck()
    await play.wait_until(lambda: outage(play, wanted=False))
    await page.get_by_role("button", name="Too many requests").click()
    await expect(page.locator("#faults")).to_contain_text("Any call answers 429, once")

    await play.send_text("ann", "/start")
    await expect(page.locator("#calls li").first).to_contain_text("sendMessage")


async def outage(play, *, wanted):
    return True if (await play.state())["outage"] is wanted else None


async def test_the_language_of_the_app_reaches_the_bot(page, play):
    await page.get_by_label("App language").select_option("de")
    await play.wait_until(lambda: locale_is(play, "de"))

    assert (await play.send_text("ann", "hallo")).raw["from"]["language_code"] == "de"


async def locale_is(play, wanted):
    return True if (await play.state())["people"][0]["locale"] == wanted else None


async def test_words_of_a_person_are_never_markup(page, play):
    await play.send_text("ann", "<img src=x onerror=alert(1)> <b>x</b>")

    await expect(page.locator("#log .words")).to_contain_text("<img src=x onerror=alert(1)> <b>x</b>")


@pytest.mark.parametrize("width", [360, 1200])
async def test_nothing_is_wider_than_the_screen(page, bot, play, width):
    await page.set_viewport_size({"width": width, "height": 720})
    await play.send_photo("ann", picture((1000, 500), "JPEG"), "a" * 300)
    await play.send_photo("ann", picture((80, 900), "JPEG"), "snow")
    await expect(page.locator("#log video")).to_have_count(2)

    widest = await page.evaluate(
        "Math.max(...[...document.querySelectorAll('.bubble, .keys')].map(box => box.getBoundingClientRect().right))"
    )

    assert widest <= width
    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_a_phone_shows_one_thing_at_a_time(page):
    await page.set_viewport_size({"width": 390, "height": 780})
    await expect(page.locator("#sidebar")).to_be_hidden()
    await page.get_by_role("button", name="All chats").click()
    await expect(page.locator("#conversation")).to_be_hidden()
    await page.get_by_role("button", name="Friends").click()

    await expect(page.locator("#chat-title")).to_have_text("Friends")
