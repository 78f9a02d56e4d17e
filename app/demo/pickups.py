"""What waits in the demo for whoever bought it to come by: sold just now, by the option that the storefront shows for it."""

from typing import Any

from app.demo.goods import EVERYWHERE
from app.demo.people import people
from app.demo.shop import Shop

STORE = "IPANEMA"
PICKUPS = 2
BUYERS = people()[40 : 40 + PICKUPS]

OFFERED = """query ($input: FulfillmentOptionsInput!) {
    fulfillmentOptions(input: $input) { id kind parcels { location { code } } } }"""
SOLD = "{ fulfillmentOrders(first: 10, filter: { kind: PICKUP }) { nodes { order { id } } } }"


async def sell_for_pickup(shop: Shop) -> None:
    """Place what is missing, and accept all of it: a quote is another one each time, so what is there is not sold again."""
    for buyer in BUYERS[len(await _sold(shop)) :]:
        basket = {"channel": "web", "lines": [{"sku": EVERYWHERE[0].sku, "quantity": 1}]}
        given = {"idempotencyKey": f"demo:pickup:{buyer.email}", "customer": buyer.as_customer(), **basket}
        paid = {"paymentMethod": {"provider": "test", "token": "tok_visa"}}
        option = await _option(shop, {**basket, "destination": buyer.address})
        address = {"shippingAddress": buyer.address, "fulfillmentOptionId": option}
        await shop.do(shop.web, "orderPlace", {**given, **address, **paid})
    for order_id in await _sold(shop):
        await shop.do(shop.owner, "orderConfirm", {"idempotencyKey": f"demo:pickup:{order_id}", "id": order_id})


async def _option(shop: Shop, wanted: dict[str, Any]) -> str:
    offered = (await shop.ask(shop.web, OFFERED, {"input": wanted}))["fulfillmentOptions"]
    there = (each for each in offered if each["kind"] == "PICKUP" and each["parcels"][0]["location"]["code"] == STORE)
    return str(next(there)["id"])


async def _sold(shop: Shop) -> list[str]:
    return [each["order"]["id"] for each in (await shop.ask(shop.owner, SOLD))["fulfillmentOrders"]["nodes"]]
