"""What was erased or is past its time is in no file any more: not in the table, its free pages, its log, or beside it."""

import asyncio
from pathlib import Path

import msgspec

from engine.ledger import Verbs
from engine.schema import JobRequest, ReportRequest, ShareRequest
from tests.unit.engine.conftest import House, OpenHouse
from tests.unit.engine.ledger.conftest import a_request
from tests.unit.engine.smallshop import SmallShop
from tests.unit.engine.test_api import outcome_of

PERSON = "ann-whose-key-nobody-else-has"
WORDS = "a-caption-that-only-ann-would-write"
PHOTO = b"photo with ann's face in it " * 400
GROUP = "the-group-of-ann-and-friends"


def asked(prompt: str = WORDS) -> JobRequest:
    return msgspec.structs.replace(a_request(PERSON, prompt=prompt), group=GROUP)


def traces(folder: Path, *secrets: bytes) -> list[tuple[str, bytes]]:
    """Every file under the folder that holds one of them, the log and the free pages of the database among them."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [(path.name, secret) for secret in secrets if secret in content]
    return found


async def some_life_of(house: House) -> None:
    """Clips that were shared and reported, one refused at the door, one that waits, one that is being made."""
    first = asked()
    await house.client.submit(first, PHOTO)
    await outcome_of(house.client, first.job_id)
    await house.client.acknowledge(first.job_id)
    await house.client.share(
        first.job_id, ShareRequest(requester=PERSON, group=GROUP, attested=True, opted_in=True)
    )
    other = a_request("bob-hash-and-key")
    await house.client.submit(other, b"photo of bob")
    await outcome_of(house.client, other.job_id)
    await house.client.report(other.job_id, ReportRequest(reporter=PERSON, group=GROUP))
    await house.client.submit(asked("refuse me"), PHOTO)
    for _ in range(2):
        await house.client.submit(asked("takes long"), PHOTO)
    while not house.shop.fleet.rendering:
        await asyncio.sleep(0.01)


async def test_after_an_erasure_no_file_knows_the_person(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house() as house:
        await some_life_of(house)
        secrets = (PERSON.encode(), WORDS.encode(), b"ann's face", b"signed for 00000000")
        before = {secret for _, secret in traces(tmp_path, *secrets)}
        clip_of_bob = len(list((tmp_path / "clips").iterdir())) - 1

        async with house.http.delete(f"/requesters/{PERSON}") as answer:
            told = await answer.json()
        while house.shop.fleet.rendering:
            await asyncio.sleep(0.01)
        await settled(house.shop)
        after = traces(tmp_path, PERSON.encode(), WORDS.encode(), b"ann's face")

        assert before == set(secrets)
        assert told == {"jobs": [], "stored_jobs": 4, "stored_clips": 1}
        assert after == []
        assert len(list((tmp_path / "clips").iterdir())) == clip_of_bob == 1
        assert list((tmp_path / "photos").iterdir()) == []
        async with house.http.get(f"/requesters/{PERSON}") as answer:
            assert await answer.json() == {"jobs": [], "stored_jobs": 0, "stored_clips": 0}


async def settled(shop: SmallShop) -> None:
    """The ends of what was stopped are on the disk too."""
    while shop.ledger.counts()[1]:
        await asyncio.sleep(0.01)
    await shop.ledger.write(_nothing)


def _nothing(verbs: Verbs) -> None:
    verbs.now()


async def test_what_is_past_its_time_is_in_no_file(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house() as house:
        request = asked()
        await house.client.submit(request, PHOTO)
        await outcome_of(house.client, request.job_id)
        while list((tmp_path / "photos").iterdir()):
            await asyncio.sleep(0.01)
        with_clip = traces(tmp_path, WORDS.encode(), b"ann's face", PERSON.encode())
        await asyncio.sleep(0.05)

        clips = await house.shop.ledger.write(lambda verbs: verbs.sweep(clip_ms=0, prompt_ms=0, id_ms=10**9))
        for clip in clips:
            house.shop.dispatcher.shop.clip_path(clip).unlink()
        without_words = traces(tmp_path, WORDS.encode())
        await house.shop.ledger.write(lambda verbs: verbs.sweep(clip_ms=0, prompt_ms=0, id_ms=0))
        without_ids = traces(tmp_path, PERSON.encode(), request.job_id.encode(), GROUP.encode())

    assert WORDS.encode() in {secret for _, secret in with_clip}
    assert len(clips) == 1
    assert b"ann's face" not in {secret for _, secret in with_clip}
    assert without_words == []
    assert without_ids == []
