"""Setting the scene through the API: the channel, sellers as locations, products as variants, and stock to sell.

Safe to repeat. What is there already is read, not remembered: only orders that were not placed yet need stock, and
only as much as is not there.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson

from app.replay import documents
from app.replay.client import Caller, CallError, Document, Endpoint, one_failure
from app.replay.player import Input, address
from app.replay.recordings import CURRENCY, ZONE, Place, Product, Recordings, Window
from app.replay.story import Story
from app.terminal import Report

CHANNEL = "olist"
AT_ONCE = 100
"""How many variants, or lines of stock, one call takes."""
CALLERS = 8

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Level:
    """What lies at a location of one product."""

    on_hand: int
    available: int
    version: int


NOTHING = Level(0, 0, 0)


async def begin(endpoint: Endpoint, window: Window) -> set[str]:
    """The channel, and which orders of the window were placed in it before."""
    caller = Caller(endpoint)
    await done(caller, documents.SET_CHANNEL, channel())
    placed = {reference async for reference in placed_before(caller, window)}
    caller.close()
    return placed


async def prepare(
    endpoint: Endpoint, recordings: Recordings, needed: Mapping[tuple[str, str], int], window: Window, report: Report
) -> None:
    """All that the stories need before the first is told, with so many units by (seller, product) to sell."""
    locations = await _all(endpoint, _set_location, recordings.sellers.items(), "Sellers", report)
    batches = batched(list(recordings.products.values()), AT_ONCE)
    shelves = await _all(endpoint, _set_variants, batches, "Products", report)
    levels = {place: level for shelf in shelves for place, level in shelf.items()}
    openings = opening_stock(needed, levels, dict(locations), window.begins_at - timedelta(seconds=1))
    await _all(endpoint, _adjust, openings, "Stock", report)


async def _all(
    endpoint: Endpoint, ask: Callable[[Caller, Any], Awaitable[T]], things: Iterable[Any], step: str, report: Report
) -> list[T]:
    """Ask once for each thing, over a few connections, the answers in the order they come."""
    things = list(things)
    left, answers = iter(things), []

    async def work() -> None:
        caller = Caller(endpoint)
        for thing in left:
            answers.append(await ask(caller, thing))
            report(step, len(answers), len(things))
        caller.close()

    with one_failure():
        async with asyncio.TaskGroup() as group:
            for _ in range(min(CALLERS, len(things))):
                group.create_task(work())
    return answers


async def done(caller: Caller, document: Document, given: Input) -> dict[str, Any]:
    """Have one thing set up. Its key is a digest of what is given: the same thing is set up once."""
    key = hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()
    answer = await caller.ask(document, {"input": {"idempotencyKey": key, **given}})
    for error in answer["done"]["userErrors"]:
        raise CallError(f"the scene cannot be set: {error['code']}: {error['message']}")
    return answer["done"]  # type: ignore[no-any-return]


# -- what is set up ----------------------------------------------------------------------------------------------------


def channel() -> Input:
    """Where everything was sold."""
    return {"code": CHANNEL, "name": "Olist", "currency": CURRENCY, "timeZone": ZONE.key}


async def _set_location(caller: Caller, seller: tuple[str, Place]) -> tuple[str, str]:
    """(code, id) of a seller's location."""
    code, place = seller
    given = {"code": code, "name": f"Seller {code[:8]}, {place.city}", "kind": "SUPPLIER", "address": address(place)}
    answer = await done(caller, documents.SET_LOCATION, {**given, "channels": [CHANNEL]})
    return code, answer["location"]["id"]


def variant(product: Product) -> Input:
    """A product as the one variant it has; it has no name, so its category has to do."""
    return {
        "sku": product.id,
        "name": f"{product.category} {product.id[:8]}",
        "category": product.category,
        "weightGrams": product.weight_grams,
        "lengthMm": product.length_mm,
        "widthMm": product.width_mm,
        "heightMm": product.height_mm,
    }


async def _set_variants(caller: Caller, products: Sequence[Product]) -> dict[tuple[str, str], Level]:
    """What lies where of these products already, by (seller, product)."""
    answer = await done(caller, documents.SET_VARIANTS, {"variants": [variant(each) for each in products]})
    return {
        (level["location"]["code"], each["sku"]): Level(level["onHand"], level["available"], level["version"])
        for each in answer["variants"]
        for level in each["inventory"]["levels"]["nodes"]
    }


async def placed_before(caller: Caller, window: Window) -> AsyncIterator[str]:
    """The orders of the window that are there already."""
    async for node in orders_of(caller, documents.REFERENCES, window):
        yield node["externalReference"]


async def orders_of(caller: Caller, document: Document, window: Window) -> AsyncIterator[dict[str, Any]]:
    """The window's orders as the API has them, page by page."""
    filter_ = {"channel": CHANNEL, "placedFrom": window.begins_at, "placedTo": window.ends_at}
    after = None
    while True:
        page = (await caller.ask(document, {"filter": filter_, "after": after}))["orders"]
        for node in page["nodes"]:
            yield node
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def needs(stories: Iterable[Story], placed: set[str]) -> Counter[tuple[str, str]]:
    """Units that are still to be sold, by (seller, product)."""
    return Counter(
        (item.seller_id, item.product_id)
        for story in stories
        if story.placed and story.recorded.id not in placed
        for item in story.recorded.items
    )


def opening_stock(
    needed: Mapping[tuple[str, str], int],
    levels: Mapping[tuple[str, str], Level],
    locations: Mapping[str, str],
    at: datetime,
) -> list[Input]:
    """Stock adjustments that make room for what is to be sold, at most `AT_ONCE` lines each."""
    lines: dict[str, list[Input]] = {}
    for (seller, sku), units in sorted(needed.items()):
        level = levels.get((seller, sku), NOTHING)
        if units > level.available:
            on_hand = level.on_hand + units - level.available
            line = {"sku": sku, "setOnHand": on_hand, "expectedOnHand": level.on_hand}
            lines.setdefault(seller, []).append({**line, "version": level.version})
    return [
        {"locationId": locations[seller], "reason": "RECEIVED", "lines": part, "occurredAt": at}
        for seller, all_ in lines.items()
        for part in batched(all_, AT_ONCE)
    ]


async def _adjust(caller: Caller, opening: Input) -> None:
    """Put stock on the shelf. The level's version is part of the key: the same count may be right a second time."""
    key = hashlib.sha256(orjson.dumps(opening, option=orjson.OPT_SORT_KEYS)).hexdigest()
    lines = [{name: value for name, value in line.items() if name != "version"} for line in opening["lines"]]
    await done(caller, documents.ADJUST_STOCK, {**opening, "lines": lines, "idempotencyKey": key})


def batched(things: Sequence[T], size: int) -> list[Sequence[T]]:
    """The things in runs of `size`."""
    return [things[start : start + size] for start in range(0, len(things), size)]
