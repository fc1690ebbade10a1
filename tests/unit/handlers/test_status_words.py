import pytest

from engine.schema import EngineStatus
from handlers.status import _certificate
from handlers.texts import texts


@pytest.mark.parametrize(
    ("days", "begins"),
    [
        (366.0, ""),
        (30.0, ""),
        (29.9, "⚠️ The signing certificate ends in 29 days;"),
        (1.5, "⚠️ The signing certificate ends in 1 day;"),
        (-3.0, "⚠️ The signing certificate ends in 0 days;"),
    ],
)
def test_the_operator_hears_in_time_that_the_certificate_ends(days: float, begins: str) -> None:
    engine = EngineStatus(
        ready=True,
        queued=0,
        running=0,
        workers=1,
        renderer="scene",
        typical_seconds=5.0,
        accepting=True,
        version="1",
        leaf_days_left=days,
    )

    told = _certificate(texts("en"), engine)

    assert told.startswith(begins)
    assert bool(told) is bool(begins)
