"""Fetching and checking weights, against a small hub that answers what the hub's client asks."""

import asyncio
import hashlib
import shutil
import threading
from types import SimpleNamespace

import pytest
from aiohttp import web
from drawing import FAMILIES, needs_torch

import engine.renderers.diffusion.weights as weights_module
from engine.config import RendererTable
from engine.errors import ConfigError
from engine.renderers.diffusion.presets import PRESETS
from engine.renderers.diffusion.renderer import DiffusionRenderer
from engine.renderers.diffusion.weights import RECORD, _compare, fetch, find_faults, list_sources, read_record

pytestmark = needs_torch

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves folders as repositories, large files with a hash. `wrong_hash` names a file that it announces falsely."""

    def __init__(self, folders):
        self.folders, self.wrong_hash, self.asked, self.url = folders, "", [], ""
        self.commit, self.breaks_at = COMMIT, ""

    def app(self):
        app = web.Application()
        app.router.add_get("/api/models/{owner}/{name}", self._info)
        app.router.add_get("/api/models/{owner}/{name}/revision/{revision}", self._info)
        app.router.add_get("/api/models/{owner}/{name}/tree/{revision}", self._tree)
        app.router.add_get("/api/models/{owner}/{name}/tree/{revision}/{path:.*}", self._tree)
        app.router.add_get("/{owner}/{name}/resolve/{revision}/{path:.+}", self._file)
        return app

    def _folder(self, request):
        return self.folders[f"{request.match_info['owner']}/{request.match_info['name']}"]

    def _files(self, request):
        folder = self._folder(request)
        return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def _entry(self, name, path):
        digest = hashlib.sha256(b"other" if name == self.wrong_hash else path.read_bytes()).hexdigest()
        size = path.stat().st_size
        large = (
            {"lfs": {"sha256": digest, "size": size, "oid": digest, "pointerSize": 130}}
            if name.endswith("safetensors")
            else {}
        )
        return {"size": size, "blobId": digest[:40], **large}

    async def _info(self, request):
        siblings = [
            {"rfilename": name, **self._entry(name, path)} for name, path in self._files(request).items()
        ]
        return web.json_response(
            {
                "id": "x",
                "sha": request.match_info.get("revision", self.commit),
                "siblings": siblings,
                "private": False,
                "tags": [],
            }
        )

    async def _tree(self, request):
        entries = [
            {
                "type": "file",
                "path": name,
                "oid": self._entry(name, path)["blobId"],
                **self._entry(name, path),
            }
            for name, path in self._files(request).items()
        ]
        return web.json_response(entries)

    async def _file(self, request):
        name = request.match_info["path"]
        path = self._files(request)[name]
        if request.method == "GET":
            self.asked.append(name)
            if name == self.breaks_at:
                raise web.HTTPForbidden
        commit = request.match_info["revision"]
        headers = {"ETag": f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"', "X-Repo-Commit": commit}
        return web.FileResponse(path, headers=headers)


@pytest.fixture
def hub(weights):
    standard, quality = (weights / PRESETS[name].folder for name in ("standard", "quality"))
    served = Hub(
        {
            PRESETS["standard"].repo: standard,
            PRESETS["quality"].repo: quality,
            PRESETS["quality"].loras[0].repo: quality / "loras",
            PRESETS["sound"].repo: weights / PRESETS["sound"].folder,
            PRESETS["standard"].tiny.repo: weights / "autoencoders",
        }
    )
    loop, started = asyncio.new_event_loop(), threading.Event()

    async def serve():
        runner = web.AppRunner(served.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()

    thread = threading.Thread(target=lambda: (loop.create_task(serve()), loop.run_forever()), daemon=True)
    thread.start()
    started.wait(10)
    yield served
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def fetched(hub, name, models, *, accepted=False):
    said = []
    return fetch(PRESETS[name], models, accepted=accepted, say=said.append, endpoint=hub.url), said


def test_what_was_fetched_loads_and_stays_pinned(hub, tmp_path):
    folder, said = fetched(hub, "quality", tmp_path)

    record = read_record(folder)
    assert record is not None
    sources = [*(source.repo for source in list_sources(PRESETS["quality"])), PRESETS["quality"].tiny.repo]
    assert record.revisions == dict.fromkeys(sources, COMMIT)
    assert {file.name for file in record.files} >= {
        "transformer/config.json",
        f"loras/{PRESETS['quality'].loras[0].file}",
    }
    assert said[0] == "Wan2.2-I2V-A14B with 4-step LoRA: Apache-2.0"
    assert list(find_faults(folder)) == []
    DiffusionRenderer(PRESETS["quality"], tmp_path, RendererTable())._load()


def test_a_fetch_that_stopped_goes_on_with_the_revision_that_it_began_with(hub, tmp_path):
    hub.breaks_at = "vae/config.json"
    with pytest.raises(ConfigError):
        fetched(hub, "standard", tmp_path)
    hub.breaks_at, hub.commit = "", "f" * 40  # somebody pushed in between

    folder, _ = fetched(hub, "standard", tmp_path)

    assert set(read_record(folder).revisions.values()) == {COMMIT, "f" * 40}  # the tiny decoder came later
    assert read_record(folder).revisions[PRESETS["standard"].repo] == COMMIT


def test_a_pinned_revision_is_fetched_whatever_the_branch_says(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(weights_module, "PINNED", {PRESETS["standard"].repo: "a" * 40})

    folder, _ = fetched(hub, "standard", tmp_path)

    assert read_record(folder).revisions[PRESETS["standard"].repo] == "a" * 40


def test_a_tiny_decoder_that_is_not_there_keeps_nothing_away(hub, tmp_path):
    (tmp_path / "empty").mkdir()
    hub.folders[PRESETS["standard"].tiny.repo] = tmp_path / "empty"

    folder, said = fetched(hub, "standard", tmp_path / "models")

    assert said[-1] == 'lightx2v/Autoencoders has no taew2_2.safetensors; only decoder = "tiny" needs it'
    assert list(find_faults(folder)) == []


def test_a_second_fetch_asks_nobody(hub, tmp_path):
    fetched(hub, "standard", tmp_path)
    hub.asked.clear()

    fetched(hub, "standard", tmp_path)

    assert hub.asked == []


def test_a_file_that_is_not_what_the_hub_names_is_not_kept(hub, tmp_path):
    hub.wrong_hash = "vae/diffusion_pytorch_model.safetensors"

    with pytest.raises(ConfigError, match="not the file"):
        fetched(hub, "standard", tmp_path)

    assert not (tmp_path / PRESETS["standard"].folder).exists()
    hub.wrong_hash = ""
    folder, _ = fetched(hub, "standard", tmp_path)
    assert list(find_faults(folder)) == []


def test_a_licence_that_asks_something_is_shown_and_must_be_accepted(hub, tmp_path):
    with pytest.raises(ConfigError, match=r"free below 10 million.*--accept-licence"):
        fetched(hub, "sound", tmp_path)

    folder, _ = fetched(hub, "sound", tmp_path, accepted=True)
    assert list(find_faults(folder)) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(hub, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))

    with pytest.raises(ConfigError, match="GB are free"):
        fetched(hub, "standard", tmp_path)

    assert hub.asked == []


def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="could not be fetched"):
        fetch(
            PRESETS["standard"], tmp_path, accepted=False, say=lambda _: None, endpoint="http://127.0.0.1:9"
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_whole_folder_has_no_faults(weights, name):
    assert list(find_faults(weights / PRESETS[name].folder)) == []


def test_what_is_missing_or_changed_is_named(hub, weights, tmp_path):
    folder, _ = fetched(hub, "standard", tmp_path)
    config = folder / "transformer" / "config.json"
    config.write_text(config.read_text().replace('"num_layers": 2', '"num_layers": 3'))

    faults = list(find_faults(folder))

    assert faults[0] == "transformer/config.json is not the file that was fetched"
    assert faults[1].startswith("transformer lacks")
    assert list(find_faults(tmp_path / "nothing")) == ["there is no folder nothing"]
    assert (folder / RECORD).is_file()


def test_a_folder_that_is_no_pipeline_is_said_to_be_none(tmp_path):
    assert list(find_faults(tmp_path)) == ["model_index.json is missing or not readable"]


def test_a_name_that_leads_out_of_the_folder_removes_nothing(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "mine").write_text("a file of the operator's")
    stranger = SimpleNamespace(rfilename="../mine", lfs=SimpleNamespace(sha256="0" * 64))

    _compare(tmp_path / "models", [stranger])

    assert (tmp_path / "mine").is_file()
