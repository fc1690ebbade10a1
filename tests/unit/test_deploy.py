"""What is handed to operators fits the program: units, image, dashboard."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.__main__ import main as engine_commands
from engine.metrics import Metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for it in panel["targets"]
        for name in re.findall(r"zoetrope_\w+", it["expr"])
    }
    families = {metric.name for metric in Metrics().registry.collect()}

    assert {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in asked} <= families
    assert len(asked) >= len(families) - 2


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", ["zoetrope-engine.service", "zoetrope-bot.service"])
def test_systemd_understands_the_units(unit: str, tmp_path: Path) -> None:
    for path in DEPLOY.glob("*.service"):
        text = path.read_text().replace("/srv/zoetrope/.venv/bin/python", "/bin/true")
        (tmp_path / path.name).write_text(text)

    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in checked.stderr.splitlines() if unit in line]
    assert complaints == []


def test_units_and_image_use_commands_that_there_are() -> None:
    texts = [path.read_text() for path in (*DEPLOY.glob("*.service"), DEPLOY / "Dockerfile")]
    used = {name for text in texts for name in re.findall(r'"?engine"?[ ,]+"?(run|ready|\w+)"?[\] ]', text)}

    assert {"run", "ready"} <= used & set(engine_commands.commands)


def test_the_image_copies_what_there_is() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
