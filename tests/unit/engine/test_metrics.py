"""Figures belong to one engine, and speak Prometheus' language."""

from prometheus_client.parser import text_string_to_metric_families

from engine.metrics import Metrics


def test_two_engines_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()

    one.reports.inc()

    assert "zoetrope_reports_total 1.0" in one.text().decode()
    assert "zoetrope_reports_total 0.0" in other.text().decode()


def test_prometheus_can_read_them() -> None:
    metrics = Metrics()
    metrics.refusals.labels(stage="prompt", reason="violence").inc()
    metrics.clip_seconds.observe(3)

    families = {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}

    assert {"zoetrope_refusals", "zoetrope_clip_seconds", "zoetrope_queued_jobs"} <= set(families)
    assert families["zoetrope_refusals"].samples[0].labels == {"stage": "prompt", "reason": "violence"}
