"""The wire: what the Bot API and the control interface answer to plain HTTP requests."""

import json

import aiohttp
import pytest

ANN = 100_000_001


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(http, playground):
    """One Bot API call with urlencoded parameters, as (status, JSON)."""

    async def run(method, **parameters):
        data = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()
        }
        async with http.post(f"{playground.base_url}{playground.token}/{method}", data=data) as response:
            return response.status, await response.json()

    return run


async def test_method_names_have_no_case_and_unknown_ones_are_404(call):
    assert (await call("GETME"))[1]["result"]["username"] == "zoetrope_bot"
    assert await call("sendRichMessage") == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found: method not found"},
    )


async def test_a_wrong_token_is_401(http, playground):
    async with http.get(f"{playground.base_url}1:wrong/getMe") as response:
        assert (response.status, (await response.json())["description"]) == (401, "Unauthorized")


async def test_updates_wait_until_their_offset_is_passed(call, play):
    for text in ("one", "two", "three"):
        await play.send_text("ann", text)

    first = (await call("getUpdates", offset=0, limit=2))[1]["result"]
    again = (await call("getUpdates"))[1]["result"]
    rest = (await call("getUpdates", offset=first[1]["update_id"] + 1))[1]["result"]

    assert [update["message"]["text"] for update in first] == ["one", "two"]
    assert [update["message"]["text"] for update in again] == ["one", "two", "three"]
    assert [update["message"]["text"] for update in rest] == ["three"]
    assert await play.pending() == 1


async def test_a_negative_offset_forgets_all_but_the_newest(call, play):
    for text in ("one", "two", "three"):
        await play.send_text("ann", text)

    newest = (await call("getUpdates", offset=-1))[1]["result"]

    assert [update["message"]["text"] for update in newest] == ["three"]
    assert await play.pending() == 1


async def test_a_poll_waits_for_news_and_ends_empty_in_time(call, play):
    assert (await play.state())["running"] is False
    assert (await call("getUpdates", timeout=0))[1]["result"] == []
    assert (await call("getUpdates", timeout=1))[1]["result"] == []
    assert (await play.state())["running"] is True


async def test_only_the_kinds_that_were_asked_for_arrive(call, play):
    await call("getUpdates", allowed_updates=["callback_query"])
    await play.send_text("ann", "hi")

    assert await play.pending() == 0
    assert (await call("getWebhookInfo"))[1]["result"]["allowed_updates"] == ["callback_query"]


async def test_polling_is_refused_while_a_webhook_is_set(call, play):
    await play.send_text("ann", "hi")
    await call("setWebhook", url="https://example.org/hook")
    assert (await call("getUpdates"))[0] == 409

    await call("deleteWebhook", drop_pending_updates=True)
    assert (await call("getUpdates"))[1]["result"] == []


async def test_a_file_above_20_megabytes_can_be_sent_to_the_bot_but_not_downloaded(call, play):
    sent = await play.send_document("ann", bytes(20 * 2**20 + 1), filename="big.bin", mime="image/png")

    assert (await call("getFile", file_id=sent.file_id))[1]["description"] == "Bad Request: file is too big"


async def test_a_file_is_downloaded_by_the_path_that_get_file_gave(call, http, play, playground, photo):
    sent = await play.send_photo("ann", photo)
    path = (await call("getFile", file_id=sent.file_id))[1]["result"]["file_path"]

    async with http.get(f"{playground.base_file_url}{playground.token}/{path}") as response:
        assert await response.read() == photo
    async with http.get(f"{playground.base_file_url}{playground.token}/photos/unknown.jpg") as response:
        assert response.status == 404


async def test_an_ephemeral_message_is_for_one_member_of_a_group(call, play):
    await play.send_text("bob", "/animate", chat="friends")
    only_bob = {"receiver_user_id": ANN + 1}

    _, told = await call("sendMessage", chat_id=-4_000_001, text="no", ephemeral_message_parameters=only_bob)
    status, _ = await call("sendMessage", chat_id=ANN + 1, text="no", ephemeral_message_parameters=only_bob)

    assert told["result"]["message_id"] == 0
    assert (await play.messages("friends"))[-1].only_for == ANN + 1
    assert status in {400, 403}


async def test_a_language_is_two_letters_or_none(call):
    command = {"command": "help", "description": "How it works"}

    assert (await call("setMyCommands", commands=[command], language_code="[]"))[0] == 400
    assert (await call("setMyCommands", commands=[command], language_code=""))[0] == 200
    assert (await call("getMyCommands"))[1]["result"] == [command]


async def test_a_poll_of_a_bot_that_is_gone_is_forgotten(call, http, play, playground):
    address = f"{playground.base_url}{playground.token}/getUpdates"
    with pytest.raises(TimeoutError):
        await http.post(address, data={"timeout": "20"}, timeout=aiohttp.ClientTimeout(total=0.2))

    assert (await call("getUpdates", timeout=0))[1]["result"] == []
    assert await play.calls("getUpdates") == []


async def test_a_chat_action_ends_with_the_next_message(call, play):
    await play.send_text("ann", "hi")
    await call("sendChatAction", chat_id=ANN, action="upload_video")
    assert (await play.state())["chats"][0]["action"] == "upload_video"
    assert (await call("sendChatAction", chat_id=ANN, action="dancing"))[0] == 400

    await call("sendMessage", chat_id=ANN, text="x")
    assert (await play.state())["chats"][0]["action"] is None


async def test_deleting_follows_who_wrote_it_and_where(call, play):
    private = await play.send_text("ann", "hi")
    group = await play.send_text("ann", "/hi", chat="friends")

    assert (await call("deleteMessage", chat_id=ANN, message_id=private.id))[1]["result"] is True
    assert (await call("deleteMessage", chat_id=ANN, message_id=private.id))[1]["description"] == (
        "Bad Request: message to delete not found"
    )
    assert (await call("deleteMessage", chat_id=group.chat_id, message_id=group.id))[1]["description"] == (
        "Bad Request: message can't be deleted"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_sites_get_no_answer(http, playground, headers):
    async with http.get(f"{playground.url}/play/state", headers=headers) as response:
        assert response.status in {403, 421}
        assert "Access-Control-Allow-Origin" not in response.headers
    async with http.post(f"{playground.url}/play/text", headers=headers, json={}) as response:
        assert response.status in {403, 421}


async def test_a_file_of_a_person_is_never_a_page_of_this_site(http, play, playground):
    sent = await play.send_document("ann", b"<script>1</script>", filename="x.html", mime="text/html")

    async with http.get(f"{playground.url}/play/media/{sent.file_id}") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_media_come_in_ranges_as_players_ask(http, play, playground, photo):
    sent = await play.send_photo("ann", photo)

    async with http.get(
        f"{playground.url}/play/media/{sent.file_id}", headers={"Range": "bytes=2-5"}
    ) as response:
        assert response.status == 206
        assert await response.read() == photo[2:6]
        assert response.headers["Content-Range"] == f"bytes 2-5/{len(photo)}"
