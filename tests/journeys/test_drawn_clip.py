"""The whole way with a diffusion preset: tiny random weights, the real pipeline classes, the real gates and signature."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from town import Town, a_photo, a_town, running_engine, short_folder

from engine.config import ClipTable, EngineConfig, EngineTable, RendererTable
from engine.schema import Layer

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("diffusers") is None,
    reason="torch and diffusers are an extra: scripts/setup gpu",
)


@pytest_asyncio.fixture(loop_scope="session")
async def dream_town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose engine draws with FastWan's classes."""
    from tests import tiny_pipelines

    tiny_pipelines.build_wan_5b(tmp_path / "weights")
    with short_folder() as data:
        config = EngineConfig(
            data=data,
            clip=ClipTable(short_side=96, seconds=0.5),
            engine=EngineTable(renderer="standard", free_disk_megabytes=1),
            renderer=RendererTable(weights=str(tmp_path / "weights"), check_quality=False),
        )
        async with running_engine(config) as workshop, a_town(tmp_path, workshop) as town:
            yield town


async def test_a_clip_that_is_all_drawn_says_so_on_it_and_in_its_credentials(dream_town: Town) -> None:
    await dream_town.play.send_photo("ann", a_photo(), "soft snow")

    clip = await dream_town.gets_clip()

    assert "AI generated" in clip.text
    data = await dream_town.play.media(clip)
    report = await dream_town.engine.verify(data)
    assert (report.layer, report.made_here, report.intact) == (Layer.CREDENTIALS, True, True)
    assert report.renderer == "standard"
    assert report.digital_source_type is not None
    assert report.digital_source_type.endswith("trainedAlgorithmicMedia")
    assert "composite" not in report.digital_source_type
