"""Inputs about channels, locations, the catalog and stock."""

from datetime import datetime

import strawberry

from domain.stock import AdjustReason, LocationKind
from schema.catalog import VariantInput
from schema.common import AddressInput, CurrencyCode, words
from schema.inputs import given, key, moment, optional
from schema.stock import StockAdjustLineInput

words(AdjustReason, name="StockAdjustReason")


@strawberry.input(description="A channel to create, or to change where the code exists.")
class ChannelSetInput:
    """A channel by its code."""

    idempotency_key: str = key()
    code: str = given("The short name that programs use: the key.")
    name: str = given("The name that people use.")
    currency: CurrencyCode = given("The currency as ISO 4217; it never changes.")
    time_zone: str = given("The IANA time zone of its days, such as America/Sao_Paulo.")
    return_window_days: int | None = optional("How many days after delivery a unit may come back; 30 at first.")
    locale: str | None = optional("The language to write to its customers in, such as pt-BR; as it was if left out.")


@strawberry.input(description="A location to create, or to change where the code exists.")
class LocationSetInput:
    """A location by its code."""

    idempotency_key: str = key()
    code: str = given("The short name that programs use: the key.")
    name: str = given("The name that people use.")
    kind: LocationKind = given("What sort of place it is.")
    address: AddressInput | None = optional("Where it is.")
    latitude: float | None = optional("Degrees north.")
    longitude: float | None = optional("Degrees east.")
    channels: list[str] = given("Codes of the channels it serves; at most 100.")


@strawberry.input(description="Variants to create or change.")
class VariantsSetInput:
    """Variants by their SKUs."""

    idempotency_key: str = key()
    variants: list[VariantInput] = given("1 to 100 variants.")


@strawberry.input(description="What a count or a correction found at a location.")
class StockAdjustInput:
    """Quantities by SKU."""

    idempotency_key: str = key()
    location_id: strawberry.ID = given("The location.")
    reason: AdjustReason = given("Why the record is corrected.")
    lines: list[StockAdjustLineInput] = given("1 to 100 SKUs.")
    occurred_at: datetime | None = moment()
