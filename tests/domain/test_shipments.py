"""Tracking: a carrier's word moves a shipment forward or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shipments import SHIPMENT, TRACKING, ShipmentStatus, TrackingCode, tracked

# One row per status, one column per code; a dot where the event is recorded and changes nothing.
MOVES = """
            INFO_RECEIVED PICKED_UP   IN_TRANSIT OUT_FOR_DELIVERY ATTEMPTED        DELIVERED EXCEPTION RETURNED
CREATED            LABELED HANDED_OVER IN_TRANSIT OUT_FOR_DELIVERY OUT_FOR_DELIVERY DELIVERED . RETURNED_TO_SENDER
LABELED            .       HANDED_OVER IN_TRANSIT OUT_FOR_DELIVERY OUT_FOR_DELIVERY DELIVERED . RETURNED_TO_SENDER
HANDED_OVER        .       .           IN_TRANSIT OUT_FOR_DELIVERY OUT_FOR_DELIVERY DELIVERED . RETURNED_TO_SENDER
IN_TRANSIT         .       .           .          OUT_FOR_DELIVERY OUT_FOR_DELIVERY DELIVERED . RETURNED_TO_SENDER
OUT_FOR_DELIVERY   .       .           .          .                .                DELIVERED . RETURNED_TO_SENDER
DELIVERED          .       .           .          .                .                .         . .
RETURNED_TO_SENDER .       .           .          .                .                .         . .
LOST               .       .           .          .                .                DELIVERED . RETURNED_TO_SENDER
CANCELED           .       .           .          .                .                .         . .
"""

HEAD, *ROWS = [row.split() for row in MOVES.strip().splitlines()]
CASES = [(row[0], code, cell) for row in ROWS for code, cell in zip(HEAD, row[1:], strict=True)]


def test_the_table_names_every_status_and_every_code() -> None:
    assert [row[0] for row in ROWS] == list(ShipmentStatus)
    assert list(TrackingCode) == HEAD
    assert set(TRACKING) == set(TrackingCode)


@pytest.mark.parametrize(("status", "code", "expected"), CASES)
def test_a_code_moves_a_shipment_as_the_table_says(status: str, code: str, expected: str) -> None:
    after = tracked(ShipmentStatus(status), TrackingCode(code))

    assert after == (status if expected == "." else expected)


@given(codes=st.lists(st.sampled_from(TrackingCode), max_size=12))
def test_no_sequence_of_events_moves_a_shipment_backwards(codes: list[TrackingCode]) -> None:
    order = list(ShipmentStatus)
    status = SHIPMENT.initial
    for code in codes:
        after = tracked(status, code)
        assert order.index(after) >= order.index(status)
        status = after


@given(codes=st.permutations(list(TrackingCode)))
def test_one_delivery_among_late_scans_stays_delivered(codes: list[TrackingCode]) -> None:
    status = SHIPMENT.initial
    for code in codes:
        if code is not TrackingCode.RETURNED:
            status = tracked(status, code)

    assert status is ShipmentStatus.DELIVERED
