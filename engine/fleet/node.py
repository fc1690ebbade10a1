"""This machine as a part of a Ray cluster: the head with a worker here, or one more machine. Kept up until it is stopped."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from engine import logs
from engine.errors import ConfigError
from engine.fleet.actor import MODELS
from engine.fleet.cluster import RAY_ENVIRONMENT
from engine.fleet.driver import RESOURCE
from engine.provenance.private_files import replace_file

_AGAIN_SECONDS = 1.0
_STORE_BYTES = 512 * 2**20
"""Of shared memory for photos and clips on their way."""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`head` is the address of the head to join; None for the head itself. `host` is this machine's own address."""

    host: str
    port: int
    head: str | None
    workers: int
    gpus: int
    token_file: Path
    models: Path
    store_bytes: int = _STORE_BYTES

    def command(self) -> list[str]:
        ray = Path(sys.executable).with_name("ray")
        if not ray.exists():
            raise ConfigError("Ray is not installed: scripts/setup cluster")
        where = (
            ["--head", f"--port={self.port}", "--include-dashboard=false"]
            if self.head is None
            else [f"--address={self.head}"]
        )
        return [
            *(
                str(ray),
                "start",
                *where,
                "--block",
                "--disable-usage-stats",
                f"--node-ip-address={self.host}",
            ),
            *(
                "--num-cpus=1",
                "--dashboard-agent-listen-port=0",
                f"--num-gpus={self.gpus}",
                f"--object-store-memory={self.store_bytes}",
            ),
            f"--resources={json.dumps({RESOURCE: self.workers})}",
        ]

    def environment(self) -> dict[str, str]:
        own = {"RAY_AUTH_TOKEN_PATH": str(self.token_file), MODELS: str(self.models), "HF_HUB_OFFLINE": "1"}
        return {**os.environ, **RAY_ENVIRONMENT, **own}

    def run(self) -> None:
        """Until SIGINT or SIGTERM; started again whenever it ends, so that a head that died comes back."""
        stopping = False
        child: subprocess.Popen[bytes] | None = None

        def stop(*_: object) -> None:
            nonlocal stopping
            stopping = True
            if child is not None:
                child.terminate()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        while not stopping:
            child = subprocess.Popen(self.command(), env=self.environment(), start_new_session=True)
            exit_code = child.wait()
            _end_group(child.pid)
            if not stopping:
                log.error("this machine left the cluster", exit_code=exit_code)
                time.sleep(_AGAIN_SECONDS)


def bring_token(path: Path) -> None:
    """A token for a new cluster; one that is there is never overwritten."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, secrets.token_hex(32).encode())
        log.info("cluster token made")


def _end_group(group: int) -> None:
    """What a Ray process that was killed left behind, and nothing else's."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
