from engine.clocks import DOUBT_SECONDS, ClockWatch


def test_a_clock_that_leapt_is_believed_again_a_day_later():
    wall, steady = 1_800_000_000.0, 500.0
    watch = ClockWatch(wall=lambda: wall, steady=lambda: steady)
    assert watch.believed()

    for leap in (10 * 365 * 86_400.0, -86_400.0):
        wall += leap
        assert not watch.believed()
        wall, steady = wall + DOUBT_SECONDS / 2, steady + DOUBT_SECONDS / 2
        assert not watch.believed()
        wall, steady = wall + DOUBT_SECONDS / 2, steady + DOUBT_SECONDS / 2
        assert watch.believed()


def test_time_that_passes_and_small_corrections_are_no_leap():
    wall, steady = 1_800_000_000.0, 500.0
    watch = ClockWatch(wall=lambda: wall, steady=lambda: steady)

    for _ in range(400):
        wall, steady = wall + 86_400 + 30, steady + 86_400
        assert watch.believed()
