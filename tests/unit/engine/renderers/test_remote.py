"""The remote renderer against a small server that implements `/v1/videos`, over real HTTP."""

import asyncio
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from aiohttp import web

from engine.config import RendererTable
from engine.errors import ConfigError, PoorClip, RenderFailed
from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.prompts.directions import Directions
from engine.renderers import ClipFormat, Scene, unwatched
from engine.renderers.remote import RemoteRenderer
from engine.verdicts import PhotoFacts

TOKEN = "a-token-of-the-operator"
SMALL = ClipFormat(short_side=96, seconds=0.5)


class Stopped(BaseException):
    """What a worker's watch raises."""


@dataclass
class VideoServer:
    """Answers like a serving engine. `states` is what a job shows, one at each question; the last one stays."""

    clip: bytes
    states: list[dict] = field(default_factory=lambda: [{"status": "completed", "progress": 100}])
    forms: list[dict] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._authorize])
        app.router.add_get("/v1/videos", self._list)
        app.router.add_post("/v1/videos", self._create)
        app.router.add_get("/v1/videos/{id}", self._show)
        app.router.add_get("/v1/videos/{id}/content", self._content)
        app.router.add_delete("/v1/videos/{id}", self._delete)
        return app

    @web.middleware
    async def _authorize(self, request, handler):
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": {"message": "no"}}, status=401)
        return await handler(request)

    async def _list(self, request):
        return web.json_response({"object": "list", "data": []})

    async def _create(self, request):
        form = await request.post()
        photo = form["input_reference"].file.read()
        self.forms.append(
            {key: value for key, value in form.items() if key != "input_reference"} | {"photo": photo}
        )
        return web.json_response({"id": "video_1", "object": "video", "status": "queued"})

    async def _show(self, request):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return web.json_response({"id": request.match_info["id"], "object": "video", **state})

    async def _content(self, request):
        return web.Response(body=self.clip, content_type="video/mp4")

    async def _delete(self, request):
        self.deleted.append(request.match_info["id"])
        return web.json_response({"deleted": True})


@pytest.fixture
def server(tmp_path):
    """In a thread of its own, because the renderer blocks."""
    served, loop, started = VideoServer(clip=a_clip(tmp_path)), asyncio.new_event_loop(), threading.Event()

    async def serve():
        runner = web.AppRunner(served.app())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()

    thread = threading.Thread(target=lambda: (loop.create_task(serve()), loop.run_forever()), daemon=True)
    thread.start()
    started.wait(10)
    yield served
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def renderer(server, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    options = RendererTable(
        url=server.url,
        token_file=str(tmp_path / "token"),
        model="Wan2.2-I2V",
        model_licence="Apache-2.0",
        check_quality=False,
    )
    return RemoteRenderer(tmp_path, options, pause=lambda _seconds: None)


def a_clip(folder):
    """Twelve frames, brighter and brighter."""
    frames = (
        Frame(np.full((160, 96), 20 + 15 * n, np.uint8), *(np.full((80, 48), 128, np.uint8) for _ in "uv"))
        for n in range(12)
    )
    clip = RenderedClip(
        frames=frames, frame_count=12, width=96, height=160, frames_per_second=24, renderer="there",
        digital_source_type="", models=(TrainedModel("m", "1", "MIT"),), made=Made(),
    )  # fmt: skip
    write_mp4(clip, folder / "there.mp4")
    return (folder / "there.mp4").read_bytes()


def a_scene(prompt="soft snow", *, watch=unwatched):
    return Scene(
        pixels=np.full((480, 270, 3), 90, np.uint8), directions=Directions(), facts=PhotoFacts(), seed=7,
        clip_format=SMALL, prompt=prompt, watch=watch,
    )  # fmt: skip


def test_the_servers_clip_comes_back_frame_by_frame(server, renderer):
    server.states = [
        {"status": "queued"},
        {"status": "in_progress", "progress": 50},
        {"status": "completed", "progress": 100},
    ]
    told = []

    clip = renderer.animate(a_scene(watch=told.append))
    brightness = [float(frame.y.mean()) for frame in clip.frames]

    assert (clip.width, clip.height, clip.frame_count, clip.frames_per_second) == (96, 160, 12, 24)
    assert brightness == sorted(brightness)
    assert told == [0.0, 0.45]
    assert clip.digital_source_type.endswith("/trainedAlgorithmicMedia")
    assert clip.models == (TrainedModel("Wan2.2-I2V", "served", "Apache-2.0"),)
    assert server.deleted == ["video_1"]


def test_photo_and_wish_are_sent_in_the_clips_shape(server, renderer):
    renderer.animate(a_scene("Es schneit"))

    (form,) = server.forms
    photo = form.pop("photo")
    assert photo.startswith(b"\x89PNG")
    assert form == {
        "model": "Wan2.2-I2V", "prompt": "Es schneit", "size": "96x160", "width": "96", "height": "160",
        "seconds": "1", "num_frames": "12", "fps": "24", "seed": "7",
    }  # fmt: skip


def test_a_stop_deletes_the_job_there(server, renderer):
    server.states = [{"status": "in_progress", "progress": 10}]

    def stop(_share):
        raise Stopped

    with pytest.raises(Stopped):
        renderer.animate(a_scene(watch=stop))

    assert server.deleted == ["video_1"]


@pytest.mark.parametrize(
    "state",
    [
        {"status": "failed", "error": {"message": "no"}},
        {"status": "lost"},
        {},
        {"status": "in_progress", "progress": "?"},
    ],
)
def test_a_server_that_fails_or_speaks_nonsense_fails_the_job(server, renderer, state):
    server.states = [state]

    with pytest.raises(RenderFailed):
        renderer.animate(a_scene())

    assert server.deleted == ["video_1"]


def test_a_file_that_is_no_clip_fails_the_job(server, renderer):
    server.clip = b"<html>not here</html>"

    with pytest.raises(RenderFailed):
        renderer.animate(a_scene())


def test_a_clip_that_is_another_picture_is_not_taken(server, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    options = RendererTable(url=server.url, token_file=str(tmp_path / "token"), model="m")

    with pytest.raises(PoorClip):
        list(RemoteRenderer(tmp_path, options).animate(a_scene()).frames)


def test_a_server_that_does_not_get_on_is_given_up(server, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    server.states, now = [{"status": "queued"}], [0.0]
    options = RendererTable(url=server.url, token_file=str(tmp_path / "token"), model="m")

    def pause(seconds):
        now[0] += 300 * seconds

    with pytest.raises(RenderFailed, match="does not get on"):
        RemoteRenderer(tmp_path, options, pause=pause, clock=lambda: now[0]).animate(a_scene())


def test_what_is_wrong_with_the_server_is_said_at_the_start(server, renderer, tmp_path):
    renderer.warm_up()
    with pytest.raises(ConfigError, match="token"):
        RemoteRenderer(tmp_path, RendererTable(url=server.url, model="m")).warm_up()
    with pytest.raises(ConfigError, match="does not answer"):
        RemoteRenderer(tmp_path, RendererTable(url="http://127.0.0.1:9", model="m")).warm_up()
    with pytest.raises(ConfigError, match="token_file cannot be read"):
        RemoteRenderer(tmp_path, RendererTable(url=server.url, model="m", token_file=str(tmp_path / "none")))
