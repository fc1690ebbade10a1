"""The wheel carries all that the code reads at run time: locales, fonts, tables, the page."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy of the tracked files, so that nothing of this working tree slips in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "bot", "handlers", "engine", "*.toml", "*.md", "LICENSE"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_every_data_file_of_the_packages_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "bot", "handlers", "engine"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    data = {name for name in tracked if not name.endswith((".py", ".md")) and (ROOT / name).is_file()}

    assert data - set(wheel.namelist()) == set()
    assert any(name.endswith(".po") for name in data)
    assert any(name.endswith(".ttf") for name in data)
    assert any(name.endswith("index.html") for name in data)


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    text = wheel.read(metadata).decode()

    assert "License-Expression: Apache-2.0" in text
    assert all(f"Provides-Extra: {extra}" in text for extra in ("gpu", "cluster", "test"))
    assert any(name.endswith("THIRD_PARTY.md") for name in wheel.namelist())
    assert any(name.endswith("entry_points.txt") for name in wheel.namelist())
