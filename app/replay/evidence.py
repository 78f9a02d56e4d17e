"""What the API says became of the orders: read back in pages, never taken from the replay's own books."""

from datetime import datetime
from typing import Any

from app.replay import documents
from app.replay.client import Caller
from app.replay.figures import Figures
from app.replay.recordings import Window, minor_of
from app.replay.setting import orders_of

Node = dict[str, Any]


async def found_orders(caller: Caller, window: Window) -> dict[str, Figures]:
    """The figures of every order of the window, by the reference it was placed under."""
    return {node["externalReference"]: figures_of(node) async for node in orders_of(caller, documents.ORDERS, window)}


def figures_of(order: Node) -> Figures:
    """The figures of one order."""
    return Figures(
        status=order["status"],
        units=sum(line["quantity"] for line in order["lines"]),
        items_minor=minor_of(order["subtotal"]["amount"]),
        freight_minor=minor_of(order["shippingTotal"]["amount"]),
        paid_minor=sum(minor_of(entry["amount"]["amount"]) for entry in order["payments"] if _is_taken(entry)),
        placed_at=datetime.fromisoformat(order["placedAt"]),
        promised_at=_moment((order["deliverBy"] or {}).get("latest")),
        delivered_at=_last_delivery(order["shipments"]),
    )


def _is_taken(entry: Node) -> bool:
    return bool(entry["kind"] == "CAPTURE" and entry["status"] == "SUCCEEDED")


def _last_delivery(shipments: list[Node]) -> datetime | None:
    """When the last of the parcels arrived; None while one is on its way."""
    moments = [_moment(each["deliveredAt"]) for each in shipments]
    known = [each for each in moments if each]
    return max(known) if known and len(known) == len(moments) else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
