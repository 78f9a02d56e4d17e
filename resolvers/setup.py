"""Setting up: channels, locations and variants."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import ids
from domain.backorders import BackorderPolicy
from domain.messages import refuse_odd_locale
from domain.money import parse
from domain.refusals import CurrencyMismatch, InvalidInput, NotFound
from domain.store import setup as stored
from domain.store import unrouted
from domain.store.visibility import AT_LOCATIONS
from domain.viewer import Scope
from resolvers import kits
from resolvers.holidays import list_holidays_of
from resolvers.locations import costs_of, settings_of
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.setup import (
        BackorderInput,
        ChannelSetInput,
        LocationSetInput,
        VariantInput,
        VariantsSetInput,
    )

LIMIT = 100
ON_HAND_LIMIT = 1_000_000
CODE_LIMIT = 100
PRICES_LIMIT = 20


def bounded(rows: list[Any], name: str) -> None:
    """A list of a mutation has 1 to 100 items."""
    if not 1 <= len(rows) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} {name} at once, not {len(rows)}", field=(name,))


def _code(value: str, *place: str) -> str:
    if not 0 < len(value.strip()) <= CODE_LIMIT:
        raise InvalidInput(f"a {place[-1]} has 1 to {CODE_LIMIT} characters", field=place)
    return value.strip()


def refuse_off_the_globe(latitude: float | None, longitude: float | None, *place: str) -> None:
    """Coordinates are degrees, and finite."""
    if not -90 <= (latitude or 0) <= 90:
        raise InvalidInput("degrees north are -90 to 90", field=(*place, "latitude"))
    if not -180 <= (longitude or 0) <= 180:
        raise InvalidInput("degrees east are -180 to 180", field=(*place, "longitude"))


@verb("channelSet", Scope.CATALOG_WRITE)
async def set_channel(work: Work, input: ChannelSetInput) -> Outcome:
    """Create or change a channel."""
    if input.time_zone not in zoneinfo.available_timezones():
        raise InvalidInput(f"no time zone is called {input.time_zone}", field=("timeZone",))
    if input.return_window_days is not None and not 0 <= input.return_window_days <= 3650:
        raise InvalidInput("a return window is 0 to 3650 days", field=("returnWindowDays",))
    refuse_odd_locale(input.locale, "locale")
    rerouting = _rerouting(input)
    id_, currency = await stored.set_channel(
        work.connection,
        work.act.at,
        code=_code(input.code, "code"),
        name=input.name,
        currency=input.currency,
        time_zone=input.time_zone,
        return_window_days=input.return_window_days,
        locale=input.locale,
    )
    if currency != input.currency:
        raise CurrencyMismatch(currency, input.currency, field=("currency",))
    await unrouted.set_policy(work.connection, id_, *rerouting)
    return Outcome({"channel": id_})


def _rerouting(input: ChannelSetInput) -> tuple[str | None, int | None, int | None, int | None]:
    """What becomes of orders that wait, and of those that could ship more cheaply."""
    for name, given, most in (
        ("unroutedAfterHours", input.unrouted_after_hours, 8_760),
        ("waveMinutes", input.wave_minutes, 10_080),
        ("waveSavingPercent", input.wave_saving_percent, 100),
    ):
        if given is not None and not 0 <= given <= most:
            raise InvalidInput(f"0 to {most:,}, not {given:,}", field=(name,))
    kept = input.unrouted_policy.value if input.unrouted_policy else None
    return kept, input.unrouted_after_hours, input.wave_minutes, input.wave_saving_percent


@verb("locationSet", Scope.CATALOG_WRITE)
async def set_location(work: Work, input: LocationSetInput) -> Outcome:
    """Create or change a location."""
    place = input.address
    latitude = input.latitude if input.latitude is not None or place is None else place.latitude
    longitude = input.longitude if input.longitude is not None or place is None else place.longitude
    refuse_off_the_globe(latitude, longitude)
    channels = await stored.channels_by_code(work.connection, input.channels[:LIMIT])
    for code in input.channels:
        if code not in channels:
            raise NotFound("Channel", code, field=("channels",))
    address = [getattr(place, name, None) for name in ("line1", "line2", "city", "region", "postal_code", "country")]
    columns = [_code(input.code, "code"), input.name, input.kind.value, *address, latitude, longitude]
    settings, costs = settings_of(input), costs_of(input)
    id_ = await stored.set_location(work.connection, work.act.at, columns, [id_ for id_, _ in channels.values()])
    await stored.set_network_of(work.connection, id_, settings, costs)
    await list_holidays_of(work.connection, settings)
    return Outcome({"location": id_})


@verb("variantsSet", Scope.CATALOG_WRITE)
async def set_variants(work: Work, input: VariantsSetInput) -> Outcome:
    """Create or change variants, with their products and prices."""
    bounded(input.variants, "variants")
    by_sku = _by_sku(input.variants)
    codes = {price.channel for each in by_sku.values() for price in each.prices}
    channels = await stored.channels_by_code(work.connection, sorted(codes))
    for code in codes - channels.keys():
        raise NotFound("Channel", code, field=("variants", "prices", "channel"))

    products = {
        each.product_code or sku: (each.product_code or sku, each.product_name or each.name, each.category)
        for sku, each in by_sku.items()
    }
    product_ids = await stored.set_products(work.connection, work.act.at, list(products.values()))
    rows = [_variant(sku, each, product_ids[each.product_code or sku]) for sku, each in by_sku.items()]
    ids_ = await stored.set_variants(work.connection, work.act.at, rows)
    prices = [_price(ids_[sku], price, channels) for sku, each in by_sku.items() for price in each.prices]
    await stored.set_prices(work.connection, prices)
    await kits.set_components(work, by_sku, ids_)
    policies = [(ids_[sku], *_policy(sku, each.backorder)) for sku, each in by_sku.items() if each.backorder]
    await stored.set_policies(work.connection, policies)
    return Outcome({"variants": list(ids_.values())})


def _by_sku(variants: list[VariantInput]) -> dict[str, VariantInput]:
    """Variants by SKU; what is set twice in one breath would be either."""
    by_sku: dict[str, VariantInput] = {}
    for index, each in enumerate(variants):
        place = ("variants", str(index))
        sku = _code(each.sku, *place, "sku")
        if sku in by_sku:
            raise InvalidInput(f"{sku} is named twice", field=(*place, "sku"))
        priced = {(price.channel, price.price.currency) for price in each.prices}
        if not len(priced) == len(each.prices) <= PRICES_LIMIT:
            raise InvalidInput(
                f"a variant has at most {PRICES_LIMIT} prices, one for each channel and currency",
                field=(*place, "prices"),
            )
        by_sku[sku] = each
    return by_sku


def _variant(sku: str, variant: VariantInput, product_id: UUID) -> tuple[Any, ...]:
    sizes = (variant.weight_grams, variant.length_mm, variant.width_mm, variant.height_mm)
    if any(size is not None and size < 0 for size in sizes):
        raise InvalidInput(f"{sku}: weights and sizes are not negative", field=("variants",))
    return (product_id, sku, variant.name, *sizes, variant.hazmat)


def _policy(sku: str, given: BackorderInput) -> tuple[str, int | None, datetime | None]:
    """What may be sold beyond what is in stock, as it is kept."""
    place = ("variants", "backorder")
    if given.limit is not None and not 0 <= given.limit <= ON_HAND_LIMIT:
        raise InvalidInput(f"{sku}: 0 to {ON_HAND_LIMIT:,} units may wait", field=(*place, "limit"))
    if given.limit is not None and given.policy is BackorderPolicy.NONE:
        raise InvalidInput(f"{sku}: nothing may wait, so there is no limit", field=(*place, "limit"))
    if given.releases_at is None and given.policy is BackorderPolicy.PREORDER:
        raise InvalidInput(f"{sku}: say when it is released", field=(*place, "releasesAt"))
    return given.policy.value, given.limit, given.releases_at


def _price(variant_id: UUID, price: Any, channels: dict[str, tuple[UUID, str]]) -> tuple[UUID, UUID, str, int]:
    amount = parse(price.price.amount, price.price.currency)
    if amount.minor < 0:
        raise InvalidInput("a price is not negative", field=("variants", "prices", "price"))
    return variant_id, channels[price.channel][0], amount.currency, amount.minor


async def location_of(work: Work, id_: str) -> UUID:
    """A location that the viewer may work at."""
    found = ids.decode("Location", id_)
    if found is None or (work.viewer.role in AT_LOCATIONS and found not in work.viewer.location_ids):
        raise NotFound("Location", id_, field=("locationId",))
    if not await stored.location_exists(work.connection, found):
        raise NotFound("Location", id_, field=("locationId",))
    return found
