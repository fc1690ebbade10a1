"""From a photo through the bot to a signed clip, drawn on the GPU by tiny random weights."""

from pathlib import Path

import pytest

from engine.config import ClipTable, EngineConfig, EngineTable, RendererTable
from engine.schema import Layer
from tests.gpu.need import pytestmark  # noqa: F401
from tests.journeys.town import a_photo, a_town, running_engine, short_folder


@pytest.mark.parametrize("compiled", [False, True])
async def test_a_photo_comes_back_as_a_signed_clip(tmp_path: Path, compiled: bool) -> None:
    from tests import tiny_pipelines

    tiny_pipelines.build_wan_5b(tmp_path / "weights")
    with short_folder() as data:
        config = EngineConfig(
            data=data,
            clip=ClipTable(short_side=96, seconds=0.5),
            engine=EngineTable(renderer="standard", free_disk_megabytes=1),
            renderer=RendererTable(weights=str(tmp_path / "weights"), check_quality=False, compile=compiled),
        )
        async with running_engine(config) as workshop, a_town(tmp_path, workshop) as town:
            await town.play.send_photo("ann", a_photo(), "soft snow")
            clip = await town.gets_clip()
            report = await town.engine.verify(await town.play.media(clip))

    assert "AI generated" in clip.text
    assert (report.layer, report.made_here, report.intact) == (Layer.CREDENTIALS, True, True)
    assert report.renderer == "standard"
    assert (report.digital_source_type or "").endswith("/trainedAlgorithmicMedia")
