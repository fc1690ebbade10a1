"""What each press of a group's settings makes of them, and when it is quiet."""

import pytest

from handlers.group_settings import changed
from handlers.group_values import GroupRules, Who

EIGHT_UTC = 8 * 3600.0


def test_each_press_takes_the_next_value_and_comes_round() -> None:
    rules, seen = GroupRules(), []
    for _ in range(3):
        rules = changed(rules, "makers", thread=None)
        seen.append(rules.makers)

    assert seen == [Who.ADMINS, Who.NOBODY, Who.EVERYBODY]
    assert rules == GroupRules()


def test_a_setting_of_another_time_changes_nothing() -> None:
    assert changed(GroupRules(), "gone", thread=3) == GroupRules()


def test_a_topic_is_chosen_where_the_press_was_and_let_go_by_another_one() -> None:
    chosen = changed(GroupRules(), "topic", thread=7)

    assert chosen.story_thread == 7
    assert changed(chosen, "topic", thread=7).story_thread is None
    assert changed(chosen, "topic", thread=9).story_thread == 9


def test_every_zone_of_the_earth_can_be_reached_either_way() -> None:
    for step in ("later", "earlier"):
        rules, seen = GroupRules(), set()
        for _ in range(27):
            rules = changed(rules, step, thread=None)
            seen.add(rules.utc_hours)
        assert seen == set(range(-12, 15))


@pytest.mark.parametrize(
    ("utc_hours", "start", "end", "quiet"),
    [
        (0, 22, 7, False),
        (0, 22, 9, True),
        (-9, 22, 7, True),
        (-1, 22, 7, False),
        (0, 8, 9, True),
        (0, None, 9, False),
    ],
)
def test_quiet_hours_are_the_groups_own_and_go_over_midnight(
    utc_hours: int, start: int | None, end: int, quiet: bool
) -> None:
    rules = GroupRules(quiet_from=start, quiet_until=end, utc_hours=utc_hours)

    assert rules.is_quiet(EIGHT_UTC) is quiet
