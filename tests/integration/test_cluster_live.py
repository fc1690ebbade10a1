"""A real Ray cluster on a loopback of its own. Skipped where there is no Ray (scripts/setup cluster) or no namespace."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster_rig import in_a_namespace

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="ray is not installed: scripts/setup cluster"
    ),
    pytest.mark.skipif(
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0,
        reason="a network namespace cannot be made here, and Ray listens on every address",
    ),
]


def test_clips_come_back_and_each_trouble_has_its_name(tmp_path: Path) -> None:
    told = in_a_namespace("clip_and_cancel", str(tmp_path))

    assert told.pop("cancel_seconds") < 5  # it is asked, and killed only after the grace
    assert told == {
        "clip": "clip of a photo",
        "here": True,
        "canceled": "RenderCanceled",
        "segfault": "WorkerDied",
        "hang": "WorkerHung",
        "after": "clip",
        "left": [],
    }


def test_an_actor_a_node_the_driver_and_the_head_die_and_nothing_is_lost(tmp_path: Path) -> None:
    told = in_a_namespace("killings", str(tmp_path), "7", "4", seconds=400)

    assert (told["lost"], told["twice"], told["not animated"]) == (0, 0, 0)
    assert told["broken invariants"] == []
