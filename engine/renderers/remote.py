"""Renders on a video server of the operator's: the asynchronous `/v1/videos` interface that serving engines share.

A job is created with a form (prompt, photo, size, length, seed), asked for until it is `completed` or `failed`, fetched and
deleted. Checks, label and signature stay with us.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from PIL import Image

from engine.config import RendererTable
from engine.errors import ConfigError, RenderFailed
from engine.media.clip import Frame, RenderedClip, TrainedModel
from engine.media.decode import ClipInfo, read_clip_info, read_frames
from engine.renderers import Scene, Watch
from engine.renderers.described import SOURCE_TYPE, find_subject, say_made
from engine.renderers.quality import watch_quality
from engine.renderers.scene.framing import Framing, choose_framing
from engine.renderers.scene.picture import to_picture

ASK_EVERY_SECONDS = 1.0
ANSWER_SECONDS = 30.0
MAX_CLIP_BYTES = 200_000_000

WAITING = frozenset({"queued", "in_progress"})
DRAWN_SHARE = 0.9

PATIENCE_SECONDS = 900.0
"""How long the server may show the same status and progress."""


class RemoteRenderer:
    """See `engine.renderers.Renderer`."""

    name = "remote"

    def __init__(
        self,
        _models: Path,
        options: RendererTable,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options, self._pause, self._clock = options, pause, clock
        self._client = httpx.Client(
            base_url=options.url,
            headers=_bearer(options.token_file),
            timeout=ANSWER_SECONDS,
            follow_redirects=False,
        )

    def warm_up(self) -> None:
        """Raises ConfigError where nobody answers, or the token is not taken."""
        try:
            answer = self._client.get("/v1/videos")
        except httpx.HTTPError as error:
            raise ConfigError(f"[renderer] url does not answer ({type(error).__name__})") from error
        if answer.status_code in {401, 403}:
            raise ConfigError("[renderer] the server does not take the token in token_file")

    def animate(self, scene: Scene) -> RenderedClip:
        """The server's clip, frame by frame. Raises RenderFailed; what `scene.watch` raises deletes the job there."""
        framing = _frame(scene)
        folder = tempfile.TemporaryDirectory(prefix="zoetrope-remote-")
        path = Path(folder.name) / "clip.mp4"
        try:
            with self._job(scene, framing) as job:
                self._wait(job, scene.watch)
                self._fetch(job, path)
            info = read_clip_info(path)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            folder.cleanup()
            raise RenderFailed(f"the server's answer: {type(error).__name__}") from error
        except BaseException:
            folder.cleanup()
            raise
        frames = _frames(path, info, folder)
        if self._options.check_quality:
            photo = np.asarray(cv2.cvtColor(framing.cut(scene.pixels), cv2.COLOR_RGB2GRAY), np.uint8)
            shown = cv2.resize(
                photo, (info.width // 2 * 2, info.height // 2 * 2), interpolation=cv2.INTER_AREA
            )
            frames = watch_quality(
                frames, np.asarray(shown, np.uint8), frames_per_second=info.frames_per_second
            )
        return RenderedClip(
            frames=frames,
            frame_count=info.frame_count,
            width=info.width // 2 * 2,
            height=info.height // 2 * 2,
            frames_per_second=max(1, round(info.frames_per_second)),
            renderer=self.name,
            digital_source_type=SOURCE_TYPE,
            models=(TrainedModel(self._options.model, "served", self._options.model_licence),),
            made=say_made(scene),
            done_before=DRAWN_SHARE,
        )

    @contextmanager
    def _job(self, scene: Scene, framing: Framing) -> Iterator[str]:
        """A job on the server; gone from there afterwards, whatever became of it."""
        answer = self._client.post(
            "/v1/videos", data=_form(scene, framing, self._options.model), files=_photo(scene, framing)
        )
        job = _read(answer)["id"]
        if not isinstance(job, str) or not job.replace("-", "").replace("_", "").isalnum():
            raise RenderFailed("the server's job id is not one")
        try:
            yield job
        finally:
            self._client.delete(f"/v1/videos/{job}")

    def _wait(self, job: str, watch: Watch) -> None:
        """Raises RenderFailed where the server fails, or shows no change for too long."""
        seen, since = ("", 0.0), self._clock()
        while True:
            state = _read(self._client.get(f"/v1/videos/{job}"))
            status, progress = str(state["status"]), float(state.get("progress") or 0)
            if status == "completed":
                return
            if status not in WAITING:
                raise RenderFailed("the server could not make the clip")
            if (status, progress) != seen:
                seen, since = (status, progress), self._clock()
            elif self._clock() - since > PATIENCE_SECONDS:
                raise RenderFailed("the server does not get on")
            watch(DRAWN_SHARE * min(1.0, progress / 100))
            self._pause(ASK_EVERY_SECONDS)

    def _fetch(self, job: str, path: Path) -> None:
        with self._client.stream("GET", f"/v1/videos/{job}/content") as answer, path.open("wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                file.write(piece)
                if file.tell() > MAX_CLIP_BYTES:
                    raise RenderFailed("the server's clip is too large")


def _frame(scene: Scene) -> Framing:
    height, width = scene.pixels.shape[:2]
    subject = find_subject(scene.facts.faces, width=width, height=height)
    return choose_framing(width=width, height=height, subject=subject, clip_format=scene.clip_format)


def _form(scene: Scene, framing: Framing, model: str) -> dict[str, str]:
    """Both spellings of size and length: the servers each read the ones that they know."""
    clip = scene.clip_format
    return {
        "model": model,
        "prompt": (scene.look or "").replace("_", " ") or scene.prompt.strip() or "gentle, natural motion",
        "size": f"{framing.width}x{framing.height}",
        "width": str(framing.width),
        "height": str(framing.height),
        "seconds": str(max(1, round(clip.seconds))),
        "num_frames": str(round(clip.seconds * clip.frames_per_second)),
        "fps": str(clip.frames_per_second),
        "seed": str(scene.seed),
    }


def _photo(scene: Scene, framing: Framing) -> dict[str, tuple[str, bytes, str]]:
    """Cut to the clip's shape: most models would stretch it."""
    out = io.BytesIO()
    Image.fromarray(framing.cut(scene.pixels)).save(out, "PNG")
    return {"input_reference": ("photo.png", out.getvalue(), "image/png")}


def _read(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    body = answer.json()
    if not isinstance(body, dict):
        raise ValueError("not an object")  # `animate` knows what to do with it
    return body


def _frames(path: Path, info: ClipInfo, folder: tempfile.TemporaryDirectory[str]) -> Iterator[Frame]:
    height, width = info.height // 2 * 2, info.width // 2 * 2
    with folder:
        for pixels in read_frames(path):
            yield to_picture(np.ascontiguousarray(pixels[:height, :width])).to_frame()


def _bearer(token_file: str) -> dict[str, str]:
    if not token_file:
        return {}
    try:
        return {"Authorization": f"Bearer {Path(token_file).read_text(encoding='utf-8').strip()}"}
    except OSError as error:
        raise ConfigError(f"[renderer] token_file cannot be read ({type(error).__name__})") from error
