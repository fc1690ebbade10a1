"""A model that hangs inside a step: its worker is killed, and the next clip is made by another one."""

import textwrap

import pytest
from drawing import SHORT, a_photo, needs_torch
from PIL import Image

from engine.config import RendererTable
from engine.errors import WorkerHung
from engine.fleet import RenderOrder
from engine.fleet.local import Deadlines, LocalFleet

pytestmark = needs_torch

WORKER = """
    from pathlib import Path
    import time

    from engine.fleet import worker
    from engine.renderers.diffusion import wan

    draw = wan.Wan.draw

    def drawing(self, take, watch, *, share):
        if take.caption.startswith("hang"):
            self._pipe.transformer.blocks[1].register_forward_pre_hook(lambda *_: time.sleep(600))
        return draw(self, take, watch, share=share)

    def main(link):
        wan.Wan.draw = drawing
        worker.main(link)
"""


async def test_a_model_that_hangs_is_killed_and_the_next_clip_is_made(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hanging_worker.py").write_text(textwrap.dedent(WORKER))
    Image.fromarray(a_photo()).save(tmp_path / "photo.jpg")
    steps = []

    def order(prompt):
        return RenderOrder(
            job_id=prompt, attempt=1, photo_path=tmp_path / "photo.jpg", prompt=prompt, locale="en", seed=1, clip_format=SHORT
        )  # fmt: skip

    async with LocalFleet(
        renderer="standard",
        models=weights,
        work=tmp_path / "work",
        options=RendererTable(check_quality=False),
        deadlines=Deadlines(load=240, first_step=60, step=4),
        module="hanging_worker",
    ) as fleet:
        with pytest.raises(WorkerHung):
            await fleet.render(order("hang"), on_progress=steps.append)
        clip = await fleet.render(order("snow"), on_progress=lambda _: None)

    assert (steps[-1].pass_number, steps[-1].passes) == (1, 3)
    assert clip.path.exists()
