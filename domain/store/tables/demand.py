"""What is counted off the log, day by day."""

from sqlalchemy import BigInteger, Column, Date, Double, Index, Integer, Table, Text, Uuid

from domain.store.tables import columns as c

demand_days = Table(
    "demand_days",
    c.metadata,
    Column("variant_id", Uuid, primary_key=True),
    Column("location_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("units", Integer, nullable=False),
    Index("ix_demand_days_location_id_day", "location_id", "day"),
)
"""Units of the orders placed on a day (in UTC) that were given to a location and not taken back: counted off the log."""

postal_areas = Table(
    "postal_areas",
    c.metadata,
    Column("country", Text, primary_key=True),
    Column("prefix", Text, primary_key=True),
    Column("addresses", BigInteger, nullable=False),
    Column("sum_latitude", Double, nullable=False),
    Column("sum_longitude", Double, nullable=False),
)
"""Where postal codes are that begin alike: the sums of what the addresses of past orders said. Counted off the log."""
