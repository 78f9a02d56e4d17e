"""Inputs about channels, locations and the catalog."""

from datetime import date, datetime

import strawberry

from domain.backorders import BackorderPolicy
from domain.calendars import Weekday
from domain.orders import UnroutedPolicy
from domain.stock import LocationKind
from schema.common import AddressInput, CountryCode, CurrencyCode, MoneyInput
from schema.inputs import given, kept, key, optional


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
    unrouted_policy: UnroutedPolicy | None = optional(
        "What becomes of units that no location can ship for so long; WAIT at first."
    )
    unrouted_after_hours: int | None = optional("How long they wait until then; 72 at first.")
    wave_minutes: int | None = optional(
        "How often orders that nobody has accepted are routed anew; 0, as at first, is never."
    )
    wave_saving_percent: int | None = optional(
        "How much cheaper a plan must be for work to be given to others; 10 at first."
    )


@strawberry.input(description="Whose public holidays a location keeps.")
class HolidayCalendarInput:
    """A country, or a part of it."""

    country: CountryCode = given("The country.")
    subdivision: str | None = optional("The state, province or canton, by its ISO 3166-2 code without the country: SP.")


@strawberry.input(description="What it costs a location to ship, before any carrier. Both amounts are in one currency.")
class LocationCostInput:
    """Costs in one currency."""

    packing: MoneyInput = given("What each parcel costs: box, tape and time.")
    handling: MoneyInput = given("What each unit costs to pick.")


@strawberry.input(
    description="A location to create, or to change where the code exists. What routing knows of it (tags and all that "
    "follows them) stays as it is when left out, and is emptied by null."
)
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
    tags: list[str] | None = kept("Labels that rules may name, such as cold-store; at most 50.")
    time_zone: str | None = kept("The IANA time zone of its days; null: that of the channel whose order it is.")
    working_days: list[Weekday] | None = kept("The days on which it ships; null: every day.")
    cutoff: str | None = kept("Until when orders begin on the same day, such as 14:00; null: midnight.")
    handling_days: int | None = kept(
        "Working days until a parcel leaves: 0 for the order's own day, at most 60; null: 1, the next working day."
    )
    holiday_calendar: HolidayCalendarInput | None = kept("Whose public holidays it keeps; null: none.")
    closures: list[date] | None = kept("Days on which it is closed besides; at most 366.")
    daily_capacity: int | None = kept("The most parcels that leave on one day; null: as many as come.")
    costs: list[LocationCostInput] | None = kept(
        "What it costs to ship from here, for channels of that currency; at most 20. What is not named any more is gone."
    )


@strawberry.input(description="What one unit costs in a channel.")
class VariantPriceInput:
    """A list price as callers give it."""

    channel: str = strawberry.field(description="The channel's code.")
    price: MoneyInput = strawberry.field(description="The price of one unit.")


@strawberry.input(description="What one of a kit consists of.")
class KitComponentInput:
    """A component as callers give it."""

    sku: str = strawberry.field(description="Its SKU; no kit itself.")
    quantity: int = strawberry.field(default=1, description="Units of it in one kit: 1 to 1,000.")


@strawberry.input(description="What may be sold beyond what is in stock. Units that wait already go on waiting.")
class BackorderInput:
    """A variant's policy."""

    policy: BackorderPolicy = strawberry.field(description="The policy.")
    limit: int | None = strawberry.field(
        default=None,
        description="Units that may wait at once, over all orders: 0 to 1,000,000; as many as are wanted if left out.",
    )
    releases_at: datetime | None = strawberry.field(
        default=None, description="When it is released; a PREORDER needs it, and ends with it."
    )


@strawberry.input(description="A variant to create, or to change where the SKU exists.")
class VariantInput:
    """A variant as callers give it."""

    sku: str = strawberry.field(description="The stock keeping unit: the key.")
    name: str = strawberry.field(description="The name that people use.")
    product_code: str | None = strawberry.field(default=None, description="Its product; the SKU itself if none.")
    product_name: str | None = strawberry.field(default=None, description="The product's name; the variant's if none.")
    category: str | None = strawberry.field(default=None, description="The product's category.")
    weight_grams: int | None = strawberry.field(default=None, description="Weight of one unit in grams.")
    length_mm: int | None = strawberry.field(default=None, description="Length of one unit in millimeters.")
    width_mm: int | None = strawberry.field(default=None, description="Width of one unit in millimeters.")
    height_mm: int | None = strawberry.field(default=None, description="Height of one unit in millimeters.")
    backorder: BackorderInput | None = strawberry.field(
        default=None, description="What may be sold beyond what is in stock; as it was if left out, at first nothing."
    )
    hazmat: bool = strawberry.field(
        default=False, description="Whether it is dangerous goods, which not every carrier takes."
    )
    prices: list[VariantPriceInput] = strawberry.field(
        default_factory=list, description="Prices to set; at most 20, others stay as they are."
    )
    components: list[KitComponentInput] | None = strawberry.field(
        default=None,
        description="What one of it consists of, which makes it a kit without stock of its own; at most 20, none for no kit "
        "any more. As they are if left out.",
    )


@strawberry.input(description="Variants to create or change.")
class VariantsSetInput:
    """Variants by their SKUs."""

    idempotency_key: str = key()
    variants: list[VariantInput] = given("1 to 100 variants.")
