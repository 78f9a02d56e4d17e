"""How far apart two places are, as the crow flies."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088
"""The mean radius: a great circle by it is within 0.6 % of the true distance, and no road is that straight."""


def distance_km(from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The great-circle distance by the haversine formula, to the meter, so that equal places compare equal."""
    from_phi, to_phi = radians(from_latitude), radians(to_latitude)
    half_height = sin((to_phi - from_phi) / 2)
    half_width = sin(radians(to_longitude - from_longitude) / 2)
    chord = half_height * half_height + cos(from_phi) * cos(to_phi) * half_width * half_width
    return round(2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord))), 3)
