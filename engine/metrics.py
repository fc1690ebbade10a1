"""The engine's figures for Prometheus; docs/operations.md names each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One registry per engine, so that two in one test do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queued = Gauge("zoetrope_queued_jobs", "Jobs that wait", registry=self.registry)
        self.running = Gauge("zoetrope_running_jobs", "Jobs that are being made", registry=self.registry)
        self.ended = Counter(
            "zoetrope_ended_jobs", "Accepted jobs that ended", ["status"], registry=self.registry
        )
        self.refusals = Counter(
            "zoetrope_refusals",
            "Refusals, at the door and later",
            ["stage", "reason"],
            registry=self.registry,
        )
        self.faults = Counter(
            "zoetrope_faults", "What went wrong on our side", ["cause"], registry=self.registry
        )
        self.removals = Counter("zoetrope_removals", "Clips that an operator removed", registry=self.registry)
        self.reports = Counter("zoetrope_reports", "Clips that somebody reported", registry=self.registry)
        self.clip_seconds = Histogram(
            "zoetrope_clip_seconds",
            "From claim to signed clip",
            buckets=(1, 2, 5, 10, 20, 40, 80, 160, 320),
            registry=self.registry,
        )
        self.door_seconds = Histogram(
            "zoetrope_door_seconds",
            "From the first byte to the gates' answer",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self.door_stage_seconds = Histogram(
            "zoetrope_door_stage_seconds",
            "Where that time goes: body, decode, gates, keep, ledger",
            ["stage"],
            buckets=(0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self.leaf_days = Gauge(
            "zoetrope_leaf_days_left", "Days until the signing certificate expires", registry=self.registry
        )

    @contextmanager
    def door_stage(self, stage: str) -> Iterator[None]:
        """Measure one stage of a request at the door, however it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.door_stage_seconds.labels(stage=stage).observe(time.monotonic() - began)

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self.registry)
