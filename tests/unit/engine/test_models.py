"""Weights come out of pinned packages, are checked, and are not fetched again."""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import msgspec
import pytest

from engine.classifiers import faces, nsfw, sentences, written
from engine.errors import ConfigError
from engine.models import Catalog, ModelFile, Package, Source, describe, fetch, find_model, load_catalog

REGISTRY = """
import http.server, json, sys
tarball = open(sys.argv[1], "rb").read()

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        about = {"name": "carrier", "version": "1.0.0", "dist": {"tarball": f"http://127.0.0.1:{port}/carrier.tgz"}}
        document = json.dumps({"name": "carrier", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": about}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(tarball if self.path.endswith(".tgz") else document.encode())

server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
port = server.server_port
print(port, flush=True)
server.serve_forever()
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model(name: str, content: bytes, **fields) -> ModelFile:
    settings = {"kind": "default", "sources": (Source(package="carrier", member=f"in/{name}"),)} | fields
    return ModelFile(
        name=name,
        title=name.upper(),
        version="1",
        licence="MIT",
        needed_for="a test",
        file=name,
        size_bytes=len(content),
        sha256=sha256(content),
        **settings,
    )


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    """A wheel of two weight files, as the only thing that pip can find."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "carrier-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in/one", b"first")
        archive.writestr("in/two", b"second")
        archive.writestr("carrier-1.0.dist-info/METADATA", about)
        archive.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return path


@pytest.fixture
def carrier(wheel) -> Package:
    content = wheel.read_bytes()
    return Package(
        name="carrier", registry="pypi", version="1.0", sha256=sha256(content), size_bytes=len(content)
    )


def test_a_carrier_is_fetched_once_and_what_is_here_needs_no_network(tmp_path, monkeypatch, carrier):
    folder, heard = tmp_path / "models", []
    catalog = Catalog(package=(carrier,), model=(model("one", b"first"), model("two", b"second")))

    fetch(folder, progress=lambda name, share: heard.append((name, share)), catalog=catalog)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    fetch(folder, catalog=catalog)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"first", "two": b"second"}
    assert heard.count(("carrier 1.0", 1.0)) == 1
    assert all(state.present for state in describe(folder, catalog))


def test_what_can_be_had_is_kept_and_what_cannot_is_named(tmp_path, carrier):
    folder = tmp_path / "models"
    catalog = Catalog(
        package=(carrier,), model=(model("none", b"?"), model("two", b"other"), model("one", b"first"))
    )

    with pytest.raises(ConfigError, match=r"NONE: .* does not hold in/none\nTWO: .* is not the pinned file"):
        fetch(folder, catalog=catalog)

    assert [path.name for path in folder.iterdir()] == ["one"]
    assert [(state.model.name, state.present) for state in describe(folder, catalog)] == [
        ("none", False),
        ("two", False),
        ("one", True),
    ]
    assert "MISSING" in str(describe(folder, catalog)[0])


def test_a_second_source_is_asked_where_the_first_has_nothing(tmp_path, carrier):
    gone = msgspec.structs.replace(carrier, name="gone")
    sources = (Source(package="gone", member="in/one"), Source(package="carrier", member="in/one"))
    catalog = Catalog(package=(gone, carrier), model=(model("one", b"first", sources=sources),))

    fetch(tmp_path / "models", catalog=catalog)

    assert (tmp_path / "models" / "one").read_bytes() == b"first"


def test_a_file_in_parts_is_put_together_and_checked_as_one(tmp_path, carrier):
    parts = tuple(Source(package="carrier", member=f"in/{name}") for name in ("one", "two"))
    whole = model("whole", b"firstsecond", sources=(), parts=parts)
    turned = model("turned", b"firstsecond", sources=(), parts=parts[::-1])

    fetch(tmp_path / "models", catalog=Catalog(package=(carrier,), model=(whole,)))
    with pytest.raises(ConfigError, match="do not make the pinned file"):
        fetch(tmp_path / "models", catalog=Catalog(package=(carrier,), model=(turned,)))

    assert [path.name for path in (tmp_path / "models").iterdir()] == ["whole"]
    assert (tmp_path / "models" / "whole").read_bytes() == b"firstsecond"


def test_a_package_of_another_hash_is_refused(tmp_path, carrier):
    other = msgspec.structs.replace(carrier, sha256="0" * 64)
    catalog = Catalog(package=(other,), model=(model("one", b"first"),))

    with pytest.raises(ConfigError, match=r"carrier 1.0 could not be fetched"):
        fetch(tmp_path / "models", catalog=catalog)

    assert list((tmp_path / "models").iterdir()) == []


def test_optional_weights_come_by_name_and_some_only_with_their_licence_accepted(tmp_path, carrier):
    catalog = Catalog(
        package=(carrier,),
        model=(
            model("one", b"first", kind="optional"),
            model("two", b"second", kind="optional", licence_note="it is AGPL."),
        ),
    )

    fetch(tmp_path, catalog=catalog)
    assert not any(state.present for state in describe(tmp_path, catalog))
    with pytest.raises(ConfigError, match=r"TWO: it is AGPL. .*--accept-licence"):
        fetch(tmp_path, ["one", "two"], catalog=catalog)
    fetch(tmp_path, ["two"], accepted=True, catalog=catalog)
    assert [state.present for state in describe(tmp_path, catalog)] == [False, True]
    with pytest.raises(ConfigError, match=r"no model 'three'; there are: one, two"):
        fetch(tmp_path, ["three"], catalog=catalog)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize("pinned", [True, False])
def test_npm_packages_are_packed_by_npm_and_held_to_our_hash(tmp_path, monkeypatch, pinned):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as pack:
        for name, content in (
            ("package.json", b'{"name": "carrier", "version": "1.0.0"}'),
            ("one", b"first"),
        ):
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(content)
            pack.addfile(about, io.BytesIO(content))
    tarball = tmp_path / "carrier.tgz"
    tarball.write_bytes(held.getvalue())
    package = Package(
        name="carrier",
        registry="npm",
        version="1.0.0",
        sha256=sha256(held.getvalue()) if pinned else "0" * 64,
        size_bytes=tarball.stat().st_size,
    )
    source = Source(package="carrier", member="package/one")
    catalog = Catalog(package=(package,), model=(model("one", b"first", sources=(source,)),))
    folder = tmp_path / "models"

    command = [sys.executable, "-c", REGISTRY, str(tarball)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as registry:
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{registry.stdout.readline().strip()}/")
        try:
            if pinned:
                fetch(folder, catalog=catalog)
            else:
                with pytest.raises(ConfigError, match=r"carrier 1.0.0 is not the pinned release"):
                    fetch(folder, catalog=catalog)
        finally:
            registry.kill()

    assert [path.name for path in folder.iterdir()] == (["one"] if pinned else [])


def test_a_missing_file_is_named_with_the_command_that_helps(tmp_path):
    with pytest.raises(ConfigError, match=r"U2-Netp are missing.*models fetch$"):
        find_model(tmp_path, "u2netp")
    with pytest.raises(ConfigError, match=r"MI-GAN 512 are missing.*models fetch migan$"):
        find_model(tmp_path, "migan")


def test_a_changed_file_is_not_used(tmp_path):
    (tmp_path / "u2netp.onnx").write_bytes(b"not the weights")

    with pytest.raises(ConfigError, match="not the pinned"):
        find_model(tmp_path, "u2netp")


def test_the_catalogue_is_whole():
    catalog = load_catalog()
    packages = {package.name for package in catalog.package}
    kept = [known for known in catalog.model if known.kind != "optional" and known.installed is None]

    assert sum(known.size_bytes for known in kept) < 90e6
    for known in catalog.model:
        assert sum(map(bool, (known.sources, known.parts, known.installed))) == 1
        assert {source.package for source in (*known.sources, *known.parts)} <= packages
        assert known.kind == "optional" or known.licence in {"Apache-2.0", "MIT", "BSD-2-Clause", "CC0-1.0"}
        assert ("AGPL" in known.licence) == bool(known.licence_note)
        assert known.licence in (Path(__file__).parents[3] / "THIRD_PARTY.md").read_text(encoding="utf-8")


def test_what_installed_packages_bring_is_listed_as_it_is_used():
    used = (
        faces.YUNET,
        faces.SFACE,
        nsfw.OPEN_NSFW,
        sentences.USE_WEIGHTS,
        sentences.USE_TOKENS,
        written.DETECTOR,
        written.RECOGNISER,
    )
    listed = [known for known in load_catalog().model if known.installed]

    assert {(weights.package, weights.member, weights.sha256) for weights in used} == {
        (known.installed.module, known.installed.member, known.sha256) for known in listed
    }
    needed = [
        known
        for known in describe(Path("nowhere"))
        if known.model.installed and known.model.kind != "optional"
    ]
    assert all(state.present for state in needed)
    assert all(
        known.size_bytes == path.stat().st_size
        for known in listed
        if (path := known.path(Path("nowhere"))).exists() or known.kind != "optional"
    )
