"""An engine as a process of its own in a folder of its own, with a renderer that does what a rig asks of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.client import Address, EngineClient
from engine.errors import EngineUnavailable

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "data" / "models"
PATIENCE_SECONDS = 240.0
"""Nothing takes so long, also on a machine that is very busy; what does will not come any more."""

RENDERER = '''
"""Half a second of drifting grey: what a clip costs is set by REST_SECONDS. A photo with a magenta corner is poison."""

import os
import signal
import time

import numpy as np

from engine.media.clip import Frame, Made, RenderedClip, TrainedModel

REST_SECONDS = {rest_seconds}
FRAMES, RATE, WIDTH, HEIGHT = 6, 12, 96, 160


class RigRenderer:
    name = "rig"

    def __init__(self, models, options):
        pass

    def warm_up(self):
        pass

    def animate(self, scene):
        red, green, blue = scene.pixels[:12, :12].reshape(-1, 3).mean(axis=0)
        if red > 200 and green < 60 and blue > 200:
            os.kill(os.getpid(), signal.SIGSEGV)
        return RenderedClip(
            frames=frames(scene), frame_count=FRAMES, width=WIDTH, height=HEIGHT, frames_per_second=RATE,
            renderer="rig", digital_source_type="compositeWithTrainedAlgorithmicMedia",
            models=(TrainedModel(name="Rig", version="1", licence="Apache-2.0"),), made=Made(moved=("push_in",)),
        )


def frames(scene):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    for number in range(FRAMES):
        time.sleep(REST_SECONDS / FRAMES)
        luma = (16 + (rows + columns + 4 * number + scene.seed % 50) % 220).astype(np.uint8)
        yield Frame(luma, chroma, chroma.copy())
'''


@dataclass
class Home:
    """A folder with a configuration, and the engine that runs in it."""

    folder: Path
    config: str = ""
    renderer: str = "rig"
    rest_seconds: float = 0.0
    running: subprocess.Popen[bytes] | None = field(default=None)

    def make(self) -> None:
        """Write what an engine needs to start here; `[engine]` must come last in `config`, it is gone on with."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.folder / "data" / "models").exists():
            (self.folder / "data" / "models").symlink_to(MODELS)
        plug_in(self.code, rest_seconds=self.rest_seconds)
        (self.folder / "config.toml").write_text(
            f'{self.config}\n[engine]\nfree_disk_megabytes = 1\nrenderer = "{self.renderer}"\n'
        )

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "engine.log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "engine", "run", "--config", str(self.folder / "config.toml")],
                cwd=self.code,
                stderr=log,
                env=environment(),
            )
        return self.running

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(how)
            self.running.wait(PATIENCE_SECONDS)

    def client(self) -> EngineClient:
        return EngineClient(Address(socket=self.socket))

    @property
    def code(self) -> Path:
        """Where the engine's processes run: a closed worker may look into it, not into the folder of the data."""
        return self.folder / "code"

    @property
    def socket(self) -> Path:
        return self.folder / "data" / "engine.sock"

    @property
    def log(self) -> str:
        return (self.folder / "engine.log").read_text()

    def resident_megabytes(self) -> float:
        """Of the engine process alone, without its children."""
        assert self.running is not None
        pages = int(Path(f"/proc/{self.running.pid}/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def plug_in(folder: Path, *, rest_seconds: float) -> None:
    """Make the rig's renderer one that an installed package offers, for processes that run in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "rig_renderer.py").write_text(RENDERER.replace("{rest_seconds}", str(rest_seconds)))
    info = folder / "rig_renderer-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rig-renderer\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        textwrap.dedent("""\
            [zoetrope.renderers]
            rig = rig_renderer:RigRenderer
        """)
    )


def environment() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


async def ready(client: EngineClient) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if (await client.status()).ready:
                return
        except EngineUnavailable:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the engine did not get ready")
        await asyncio.sleep(0.1)


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[EngineClient]:
    """A ready engine in this home, stopped at the end."""
    home.make()
    home.start()
    try:
        async with home.client() as client:
            await ready(client)
            yield client
    finally:
        await asyncio.to_thread(home.stop)
