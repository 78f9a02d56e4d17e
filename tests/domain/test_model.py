"""Rows are frozen values: every field is there, none is strange, and a changed one is another row."""

import dataclasses

import pytest

from domain.ids import new_id
from domain.model import StockLevel, replace

ID = new_id()


def test_a_row_is_made_by_place_or_by_name_with_what_it_leaves_out_as_declared() -> None:
    assert StockLevel(ID, ID, ID, 3) == StockLevel(id=ID, variant_id=ID, location_id=ID, available=3)
    assert dataclasses.astuple(StockLevel(ID, ID, ID)) == (ID, ID, ID, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("values", "named"),
    [((ID, ID), {}), ((ID, ID, ID), {"availble": 1}), ((ID, ID, ID, *range(8)), {})],
    ids=["one is missing", "one is strange", "there are too many"],
)
def test_a_row_with_other_fields_than_its_own_is_refused(values: tuple[object, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="StockLevel"):
        StockLevel(*values, **named)  # type: ignore[arg-type]


def test_a_row_does_not_change_but_a_copy_may_differ() -> None:
    level = StockLevel(ID, ID, ID)
    with pytest.raises(dataclasses.FrozenInstanceError):
        level.available = 1  # type: ignore[misc]
    assert replace(level, available=1) == StockLevel(ID, ID, ID, 1)
    assert level.available == 0
