"""The story of one clip, told without queue and HTTP: what goes in, what comes out, what is left on the disk."""

from pathlib import Path

import msgspec
import pytest

from engine.errors import Fault, PoorClip, RenderCanceled
from engine.fleet import RenderOrder
from engine.ledger import Job
from engine.media.clip import LabeledClip, SignedClip
from engine.media.photo import Photo
from engine.pipeline import End, Shop, keep_photo, make_clip, sha256_of, write_durably
from engine.provenance.origin import Origin
from engine.renderers import ClipFormat
from engine.schema import FailureCause, Reason, Step
from engine.verdicts import PhotoFacts, Refusal
from tests.unit.engine.ledger.conftest import a_request
from tests.unit.engine.smallshop import FACE, SmallDetector, SmallFleet, SmallGates, SmallSigner


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    for name in ("photos", "clips", "work"):
        (tmp_path / name).mkdir()
    return Shop(
        screening=SmallGates(),
        finishing=SmallSigner(),
        detector=SmallDetector(),
        photos=tmp_path / "photos",
        clips=tmp_path / "clips",
        clip_format=ClipFormat(short_side=96, seconds=0.5),
    )


@pytest.fixture
def fleet(tmp_path: Path, shop: Shop) -> SmallFleet:
    return SmallFleet(tmp_path / "work")


async def made(
    prompt: str, shop: Shop, fleet: SmallFleet, *, seed: int = 7, steps: list[Step] | None = None
) -> End:
    request = msgspec.structs.replace(a_request(prompt=prompt), look="snow", locale="de")
    photo = keep_photo(Photo(jpeg=b"photo", width=64, height=64, sha256="0" * 64), request.job_id, shop)
    job = Job(request=request, attempt=3, photo=photo, facts=PhotoFacts(faces=(FACE,)), seed=seed)

    async def render(order: RenderOrder) -> LabeledClip:
        return await fleet.render(order, on_progress=lambda doing: None)

    said = [] if steps is None else steps
    return await make_clip(job, shop, first=render, again=render, tell=lambda doing: said.append(doing.step))


async def test_a_clip_is_rendered_checked_and_signed_in_this_order(shop: Shop, fleet: SmallFleet) -> None:
    steps: list[Step] = []

    end = await made("snow", shop, fleet, steps=steps)

    assert isinstance(end.result, SignedClip)
    assert steps == [Step.RENDERING, Step.CHECKING, Step.SIGNING]
    assert end.result.path == shop.clip_path(end.result.sha256)
    assert sha256_of(end.result.path) == end.result.sha256
    assert end.result.checked.screened.facts.shows_people
    assert list(fleet.work.iterdir()) == []


async def test_the_worker_gets_everything_that_the_request_said(shop: Shop, fleet: SmallFleet) -> None:
    await made("snow", shop, fleet, seed=2**31 - 1)

    (order,) = fleet.rendered
    assert (order.prompt, order.locale, order.look, order.attempt) == ("snow", "de", "snow", 3)
    assert order.photo_path.read_bytes() == b"photo"
    assert order.clip_format == shop.clip_format
    assert order.seed == 2**31 - 1


async def test_a_second_seed_stays_in_its_range(shop: Shop, fleet: SmallFleet) -> None:
    await made("clip wrong once", shop, fleet, seed=2**31 - 1)

    assert [order.seed for order in fleet.rendered] == [2**31 - 1, 0]


@pytest.mark.parametrize(("poor", "is_signed"), [(1, True), (2, False)])
async def test_a_poor_clip_is_made_once_more_and_then_given_up(
    shop: Shop, fleet: SmallFleet, poor: int, is_signed: bool
) -> None:
    seeds: list[int] = []

    async def render(order: RenderOrder) -> LabeledClip:
        seeds.append(order.seed)
        if len(seeds) <= poor:
            raise PoorClip("is noise")
        return await fleet.render(order, on_progress=lambda doing: None)

    photo = keep_photo(Photo(jpeg=b"photo", width=64, height=64, sha256="0" * 64), a_request().job_id, shop)
    job = Job(request=a_request(), attempt=1, photo=photo, facts=PhotoFacts(), seed=7)
    end = await make_clip(job, shop, first=render, again=render, tell=lambda doing: None)

    assert seeds == [7, 9]
    assert isinstance(end.result, SignedClip) == is_signed
    if not is_signed:
        assert isinstance(end.result, Fault)
        assert end.result.cause is FailureCause.POOR_CLIP


@pytest.mark.parametrize("prompt", ["clip refused", "clip held", "clip wrong twice"])
async def test_what_the_gates_do_not_allow_is_never_signed(
    shop: Shop, fleet: SmallFleet, prompt: str
) -> None:
    end = await made(prompt, shop, fleet)

    assert isinstance(end.result, Refusal)
    assert end.result.reason in {Reason.SEXUAL, Reason.FLASHING}
    assert end.decisions
    assert not shop.finishing.signing.is_set()
    assert list(fleet.work.iterdir()) == list(shop.clips.iterdir()) == []


@pytest.mark.parametrize(
    ("prompt", "cause", "decided"),
    [
        ("kills its worker", FailureCause.WORKER_DIED, 0),
        ("clip unchecked", FailureCause.CHECKING, 0),
        ("cannot be signed", FailureCause.SIGNING, 1),
    ],
)
async def test_a_fault_is_a_value_with_what_was_decided_before_it(
    shop: Shop, fleet: SmallFleet, prompt: str, cause: FailureCause, decided: int
) -> None:
    end = await made(prompt, shop, fleet)

    assert isinstance(end.result, Fault)
    assert (end.result.cause, len(end.decisions)) == (cause, decided)
    assert list(fleet.work.iterdir()) == list(shop.clips.iterdir()) == []


async def test_a_mistake_of_ours_goes_up(shop: Shop, fleet: SmallFleet) -> None:
    with pytest.raises(ValueError, match="the prompt was"):
        await made("trips the renderer", shop, fleet)


async def test_a_cancel_goes_up_too(shop: Shop) -> None:
    async def canceled(order: RenderOrder) -> LabeledClip:
        raise RenderCanceled

    request = a_request()
    job = Job(request=request, attempt=1, photo="p", facts=PhotoFacts(), seed=1)

    with pytest.raises(RenderCanceled):
        await make_clip(job, shop, first=canceled, again=canceled, tell=lambda doing: None)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.jpg"
    write_durably(path, b"before")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"after, but only half of it")

    assert path.read_bytes() == b"before"
    assert [it.name for it in tmp_path.iterdir()] == ["photo.jpg"]


async def test_a_photos_own_credentials_lie_beside_it_and_go_with_it(shop: Shop, fleet: SmallFleet) -> None:
    origin = Origin(archive=b"chain", redacted=("self#jumbf=/c2pa/x",))
    photo = Photo(jpeg=b"photo", width=64, height=64, sha256="0" * 64)

    name = keep_photo(photo, "a-job", shop, origin=origin)
    kept = sorted(path.name for path in shop.photos.iterdir())
    shop.forget_photo(name)

    assert kept == ["a-job.jpg", "a-job.origin"]
    assert list(shop.photos.iterdir()) == []
