"""Working days, cutoffs and handling days, where clocks change and years end."""

from datetime import UTC, date, datetime, time

import pytest

from domain.routing.calendar import days_after, ends_at, ship_day, starts_at
from domain.routing.network import Calendar

WEEKDAYS = frozenset(range(1, 6))
BERLIN = Calendar("Europe/Berlin", WEEKDAYS, cutoff=time(14), handling_days=0)


@pytest.mark.parametrize(
    ("at", "ships"),
    [
        ("2026-01-07T12:59:59+00:00", date(2026, 1, 7)),  # Wednesday, 13:59:59 in Berlin
        ("2026-01-07T13:00:00+00:00", date(2026, 1, 7)),  # the cutoff itself is in time
        ("2026-01-07T13:00:01+00:00", date(2026, 1, 8)),
        ("2026-01-09T13:30:00+00:00", date(2026, 1, 12)),  # Friday afternoon: Monday
        ("2026-01-10T08:00:00+00:00", date(2026, 1, 12)),  # Saturday
        ("2026-01-11T23:30:00+00:00", date(2026, 1, 12)),  # Sunday night in London is Monday in Berlin
        ("2026-07-08T12:00:01+00:00", date(2026, 7, 9)),  # in summer the cutoff is an hour earlier for the world
        ("2026-03-27T13:00:00+00:00", date(2026, 3, 27)),  # the Friday before the clocks change
        ("2026-03-30T12:00:01+00:00", date(2026, 3, 31)),  # the Monday after
        ("2026-10-25T00:30:00+00:00", date(2026, 10, 26)),  # the hour that comes twice, on a Sunday
    ],
)
def test_an_order_ships_on_the_first_working_day_that_it_is_in_time_for(at: str, ships: date) -> None:
    assert ship_day(BERLIN, datetime.fromisoformat(at)) == ships


def test_handling_takes_working_days_and_holidays_are_none() -> None:
    easter = Calendar(
        "Europe/Berlin", WEEKDAYS, frozenset({date(2026, 4, 3), date(2026, 4, 6)}), time(14), handling_days=2
    )

    assert ship_day(easter, datetime(2026, 4, 2, 8, tzinfo=UTC)) == date(2026, 4, 8)
    assert ship_day(easter, datetime(2026, 4, 3, 8, tzinfo=UTC)) == date(2026, 4, 9)


def test_a_year_ends_between_order_and_parcel() -> None:
    new_year = Calendar("UTC", WEEKDAYS, frozenset({date(2027, 1, 1)}), time(12), handling_days=1)

    assert ship_day(new_year, datetime(2026, 12, 31, 11, tzinfo=UTC)) == date(2027, 1, 4)
    assert ship_day(new_year, datetime(2026, 12, 31, 13, tzinfo=UTC)) == date(2027, 1, 5)


def test_a_location_that_is_behind_ships_as_many_working_days_later() -> None:
    assert ship_day(BERLIN, datetime(2026, 1, 9, 8, tzinfo=UTC), days_behind=2) == date(2026, 1, 13)


def test_without_a_cutoff_the_day_ends_at_midnight_where_the_location_is() -> None:
    auckland = Calendar("Pacific/Auckland", handling_days=0)

    assert ship_day(auckland, datetime(2026, 1, 7, 10, 59, tzinfo=UTC)) == date(2026, 1, 7)
    assert ship_day(auckland, datetime(2026, 1, 7, 11, 1, tzinfo=UTC)) == date(2026, 1, 8)


def test_a_location_that_never_works_never_ships() -> None:
    assert ship_day(Calendar(working_days=frozenset()), datetime(2026, 1, 7, tzinfo=UTC)) is None
    assert ship_day(Calendar(working_days=frozenset()), datetime(2026, 1, 7, tzinfo=UTC), days_behind=3) is None


def test_a_days_edges_are_the_locations_on_the_days_that_clocks_change_too() -> None:
    assert starts_at(BERLIN, date(2026, 3, 29)).isoformat() == "2026-03-29T00:00:00+01:00"
    assert ends_at(BERLIN, date(2026, 3, 29)).isoformat() == "2026-03-29T23:59:59+02:00"
    assert ends_at(BERLIN, date(2026, 10, 25)).isoformat() == "2026-10-25T23:59:59+01:00"


def test_days_are_late_by_the_locations_calendar() -> None:
    midnight_in_berlin = datetime(2026, 1, 7, 23, tzinfo=UTC)

    assert days_after(BERLIN, midnight_in_berlin, date(2026, 1, 8)) == 0
    assert days_after(BERLIN, midnight_in_berlin, date(2026, 1, 10)) == 2
    assert days_after(BERLIN, midnight_in_berlin, date(2026, 1, 1)) == 0
