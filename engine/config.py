"""What an operator can set for the engine: seven tables of `config.toml`, each a frozen type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine import settings
from engine.errors import ConfigError
from engine.schema import Profile

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
PhotoModel = Literal["ages", "text", "nudenet", "falconsai", "marqo", "shieldgemma2", "llama_guard_4"]


class EngineTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[engine]`: where the engine listens, what renders, and how much it may use.

    With `port` = 0 it listens on the Unix socket `socket` in the data folder (mode 0600); otherwise on loopback,
    with the bearer token in `token_file`.
    """

    socket: str = "engine.sock"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    token_file: str = ""
    renderer: str = "scene"
    devices: Count = 1
    """Workers, one per device; on the CPU one is right for most machines."""
    free_disk_megabytes: Count = 1000
    """Below this no new job is taken."""
    drain_seconds: Positive = 15.0
    """How long a stop waits for the jobs that are running; the rest goes back into the queue."""


class ClipTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[clip]`: how clips look. `aspect` is "photo" (9:16 for portrait photos, else the photo's own) or "9:16"."""

    short_side: Annotated[int, msgspec.Meta(ge=96, le=1080, multiple_of=2)] = 720
    seconds: Annotated[float, msgspec.Meta(ge=0.5, le=15)] = 4.0
    frames_per_second: Annotated[int, msgspec.Meta(ge=8, le=60)] = 24
    aspect: Literal["photo", "9:16"] = "photo"


class LimitsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`: what may wait, and for how long a request may take."""

    depth: Count = 500
    queued_per_requester: Count = 5
    running_per_requester: Count = 2
    queued_per_group: Count = 50
    per_day: Annotated[int, msgspec.Meta(ge=0)] = 0
    refusals: Annotated[int, msgspec.Meta(ge=0)] = 3
    refusals_minutes: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Jobs of one requester in 24 hours; 0 is no limit."""
    at_the_door: Count = 32
    """Requests whose photo is being received and checked at the same time."""
    gate_children: Count = 2
    """Photos and clips that are checked at the same time: one process with the classifiers each, 350 MB."""
    body_seconds: Positive = 60.0
    check_seconds: Positive = 30.0


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[policy]`: thresholds of the gates, and which models look at photos; docs/policy.md says what each does.

    `known_pictures` is a file of PDQ hashes. Each of `photo_models` must be there, or the gates do not start.
    """

    nsfw_refuse: Share = 0.8
    nsfw_restrict: Share = 0.2
    face_match: Share = 0.40
    stranger_below: Share = 0.30
    judge: Literal["none", "local", "qwen3guard", "llamaguard", "endpoint"] = "none"
    """Who is asked for captions that rules and head leave undecided."""
    judge_model: str = ""
    judge_url: str = ""
    judge_key_file: str = ""
    judge_seconds: Positive = 10.0
    profile: Profile = Profile.STANDARD
    young_below: Annotated[float, msgspec.Meta(ge=0, le=80)] = 25.0
    photo_models: tuple[PhotoModel, ...] = ("ages",)
    second_opinion_refuse: Share = 0.8
    known_pictures: str = ""


class ProvenanceTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provenance]`: who signs. `operator` is the name in the certificate; `tsa_url` a time stamp authority.

    `signer` names what holds the key where it is not in its file (`engine.provenance.holder`).
    """

    operator: str = "Zoetrope operator"
    tsa_url: str = ""
    signer: str = ""


class RetentionTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[retention]`: how long things are kept. A photo is deleted when its job ends."""

    clip_hours: Positive = 24.0
    prompt_days: Positive = 7.0
    id_days: Positive = 90.0


class RendererTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[renderer]`: for the presets that run on a GPU, for `remote`, which asks a video server, and for `scene`.

    `weights` is a folder that replaces the fetched one. `attention` is "auto" or the name of one of diffusers'
    attention backends; `compile` compiles the denoiser's blocks: a slower start, faster clips; `float8` multiplies in 8
    bits where the chip can. `decoder` is the model's own ("full"), or a tiny one where its family has one. `check_quality` makes a clip once more that is frozen, noise or another picture. `url` is
    where the server answers `/v1/videos`, `model` what it runs, under `model_licence`. `drawn_background` lets `scene`
    draw what moving things uncover, where MI-GAN's weights are.
    """

    weights: str = ""
    attention: str = "auto"
    compile: bool = True
    float8: bool = False
    decoder: Literal["full", "tiny"] = "full"
    check_quality: bool = True
    url: str = ""
    token_file: str = ""
    model: str = ""
    model_licence: str = ""
    drawn_background: bool = True


class ClusterTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[cluster]`: other machines, through Ray. Without an `address` everything is rendered here."""

    address: str = ""
    token_file: str = ""
    """Empty for `cluster.token` in the data folder."""
    workers: Count = 1
    """How many there may be at most, over all machines."""
    gpus_per_worker: Annotated[float, msgspec.Meta(ge=0, le=8)] = 0.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Everything that the engine process is told."""

    data: Path
    environment: str = "production"
    engine: EngineTable = field(default_factory=EngineTable)
    clip: ClipTable = field(default_factory=ClipTable)
    renderer: RendererTable = field(default_factory=RendererTable)
    limits: LimitsTable = field(default_factory=LimitsTable)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    provenance: ProvenanceTable = field(default_factory=ProvenanceTable)
    retention: RetentionTable = field(default_factory=RetentionTable)
    cluster: ClusterTable = field(default_factory=ClusterTable)
    folder: Path = Path()
    """Where the configuration lies; paths in it are relative to it."""

    @property
    def socket(self) -> Path:
        return self.data / self.engine.socket

    @property
    def ledger(self) -> Path:
        return self.data / "engine.sqlite"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def cluster_token(self) -> Path:
        named = self.cluster.token_file
        return self.folder / named if named else self.data / "cluster.token"

    @property
    def keys(self) -> Path:
        return self.data / "keys"


def load(path: Path | None) -> EngineConfig:
    """Read `config.toml`; without one, the defaults. Paths in it are relative to its folder. Raises ConfigError."""
    tables = settings.read_tables(path)
    folder = path.parent if path is not None else Path()
    data, environment = tables.get("data", "data"), tables.get("environment", "production")
    if not isinstance(data, str):
        raise ConfigError("data: a path in quotes is expected")
    if environment not in {"production", "development"}:
        raise ConfigError('environment: "production" or "development" is expected')
    config = EngineConfig(
        folder=folder.resolve(),
        data=(folder / data).resolve(),
        environment=str(environment),
        engine=settings.table(tables, "engine", EngineTable),
        clip=settings.table(tables, "clip", ClipTable),
        renderer=_in_folder(settings.table(tables, "renderer", RendererTable), folder.resolve()),
        limits=settings.table(tables, "limits", LimitsTable),
        policy=_list_in_folder(settings.table(tables, "policy", PolicyConfig), folder.resolve()),
        provenance=settings.table(tables, "provenance", ProvenanceTable),
        retention=settings.table(tables, "retention", RetentionTable),
        cluster=settings.table(tables, "cluster", ClusterTable),
    )
    for problem in _contradictions(config):
        raise ConfigError(problem)
    return config


def _in_folder(table: RendererTable, folder: Path) -> RendererTable:
    """With whole paths: a worker does not know where the configuration lies."""
    weights, token_file = (str(folder / path) if path else "" for path in (table.weights, table.token_file))
    return msgspec.structs.replace(table, weights=weights, token_file=token_file)


def _list_in_folder(table: PolicyConfig, folder: Path) -> PolicyConfig:
    known = str(folder / table.known_pictures) if table.known_pictures else ""
    return msgspec.structs.replace(table, known_pictures=known)


def _contradictions(config: EngineConfig) -> Iterator[str]:
    """Settings that are fine alone and senseless together."""
    policy, retention = config.policy, config.retention
    if policy.nsfw_restrict > policy.nsfw_refuse:
        yield "[policy] nsfw_restrict must not be above nsfw_refuse"
    if policy.stranger_below > policy.face_match:
        yield "[policy] stranger_below must not be above face_match"
    if max(retention.prompt_days, retention.clip_hours / 24) > retention.id_days:
        yield "[retention] id_days must be the longest: clips and prompts belong to their ids"
    if config.engine.renderer == "remote" and not (config.renderer.url and config.renderer.model):
        yield '[engine] renderer = "remote" needs [renderer] url and model: the server, and what is disclosed as used'
    if config.engine.port and not config.engine.token_file:
        yield "[engine] port needs token_file: a file with the token that callers must send"
