"""Distances: known pairs of places, and the laws any distance obeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing.distance import distance_km

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
HALF_AROUND_KM = 20_015.2


@pytest.mark.parametrize(
    ("places", "kilometers"),
    [
        ((-23.5505, -46.6333, -22.9068, -43.1729), 361),  # São Paulo to Rio de Janeiro
        ((52.52, 13.405, 48.8566, 2.3522), 878),  # Berlin to Paris
        ((0, 179.5, 0, -179.5), 111),  # across the date line
        ((0, 0, 0, 180), 20_015),
        ((90, 0, -90, 0), 20_015),
    ],
)
def test_distances_between_known_places(places: tuple[float, float, float, float], kilometers: int) -> None:
    assert distance_km(*places) == pytest.approx(kilometers, abs=1)


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_way_back_is_as_long_and_none_is_longer_than_half_around(a: float, b: float, c: float, d: float) -> None:
    assert distance_km(a, b, c, d) == distance_km(c, d, a, b)
    assert 0 <= distance_km(a, b, c, d) <= HALF_AROUND_KM


@given(latitudes, longitudes)
def test_a_place_is_at_no_distance_from_itself(latitude: float, longitude: float) -> None:
    assert distance_km(latitude, longitude, latitude, longitude) == 0
