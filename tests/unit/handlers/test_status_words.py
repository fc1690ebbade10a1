import pytest

from engine.schema import EngineStatus, JobStatus, JobView, Step
from handlers.status import _certificate, progress_text
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


@pytest.mark.parametrize(
    ("view", "english", "german", "italian"),
    [
        ({"step": Step.LOADING}, "warming up", "wird warm", "scaldando"),
        ({"step": Step.RENDERING}, "to life…", "lebendig …", "prende vita…"),
        (
            {"step": Step.RENDERING, "pass_number": 2, "passes": 3},
            "step 2 of 3",
            "Schritt 2 von 3",
            "passo 2 di 3",
        ),
        ({"step": Step.DECODING}, "one by one", "Bild für Bild", "una a una"),
        ({"step": Step.ENCODING}, "film", "Film", "pellicola"),
    ],
)
def test_the_placeholder_says_what_is_being_done(
    view: dict[str, object], english: str, german: str, italian: str
) -> None:
    job = JobView(job_id="00000000-0000-4000-8000-000000000001", status=JobStatus.RUNNING, **view)

    for locale, words in (("en", english), ("de", german), ("it", italian)):
        assert words in progress_text(job, locale)
