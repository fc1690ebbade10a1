"""Which judge `[policy] judge` names. Only the judge's child imports this: what it loads is heavy."""

from __future__ import annotations

from pathlib import Path

from engine.classifiers.judges import CaptionJudge, JudgeSettings
from engine.classifiers.judges.endpoint import EndpointJudge
from engine.classifiers.judges.guard import GuardJudge
from engine.classifiers.judges.local import LocalJudge
from engine.errors import ConfigError


def load_judge(settings: JudgeSettings, models: Path) -> CaptionJudge:
    """Loads its weights. Raises ConfigError where they, its library or its address are missing."""
    match settings.kind:
        case "local":
            return LocalJudge.load(Path(settings.model) if settings.model else None, models)
        case "qwen3guard" | "llamaguard":
            return GuardJudge.load(settings.kind, settings.model)
        case "endpoint":
            return EndpointJudge.load(settings)
        case "none":
            raise ConfigError('[policy] judge is "none": there is no judge to load')
