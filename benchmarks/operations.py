"""What is measured: each operation as a client would send it to us, and what the floor takes for the same answer."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

VARIANTS = 1_000
LOCATIONS = 10
SPREAD = 100
"""SKUs with stock at all locations."""
LINES = 3

ORDER_STATUS = """
query OrderStatus($id: ID!) {
  order(id: $id) {
    id number status paymentStatus fulfillmentStatus placedAt
    total { amount currency }
    customer { id displayName }
    lines { id sku name quantity unitPrice { amount currency } }
    shipments { id status carrier deliveredAt }
  }
}
"""

CUSTOMER = """
query CustomerWithOrders($id: ID!) {
  customer(id: $id) {
    id displayName email
    orders(first: 10) {
      edges {
        node {
          id number status paymentStatus placedAt
          total { amount currency }
          lines { id sku name quantity unitPrice { amount currency } }
          shipments { id status carrier }
        }
      }
    }
  }
}
"""

NEWEST = """
query NewestOrders {
  orders(first: 50) {
    edges {
      node {
        id number status paymentStatus fulfillmentStatus placedAt
        total { amount currency }
        subtotal { amount currency }
        customer { id displayName }
      }
    }
  }
}
"""

SKU = """
query StockOfSku($sku: String!) {
  variant(sku: $sku) {
    id sku name
    inventory {
      total { onHand available reserved allocated }
      levels(first: 10) {
        nodes { id location { id code name } onHand available reserved allocated safetyStock damaged }
      }
    }
  }
}
"""

PLACE = """
mutation Place($key: String!, $email: String!, $lines: [OrderLineInput!]!, $address: AddressInput!) {
  orderPlace(input: {
    idempotencyKey: $key, channel: "bench", customer: { email: $email }, lines: $lines, shippingAddress: $address
  }) {
    order { id number status total { amount currency } lines { id sku quantity } }
    userErrors { code message field }
  }
}
"""

SET_CHANNEL = """
mutation($key: String!) {
  channelSet(input: { idempotencyKey: $key, code: "bench", name: "Bench", currency: BRL, timeZone: "UTC" }) {
    userErrors { code message }
  }
}
"""

SET_LOCATION = """
mutation($key: String!, $code: String!, $channels: [String!]!) {
  locationSet(input: {
    idempotencyKey: $key, code: $code, name: "Bench", kind: WAREHOUSE, latitude: -23.5, longitude: -46.6,
    channels: $channels
  }) { location { id } userErrors { code message } }
}
"""

SET_VARIANTS = """
mutation($key: String!, $variants: [VariantInput!]!) {
  variantsSet(input: { idempotencyKey: $key, variants: $variants }) { userErrors { code message } }
}
"""

STOCK = """
mutation($key: String!, $location: ID!, $lines: [StockAdjustLineInput!]!) {
  stockAdjust(input: { idempotencyKey: $key, locationId: $location, reason: RECEIVED, lines: $lines }) {
    userErrors { code message }
  }
}
"""

ADDRESS = {
    "line1": "Rua B 2",
    "city": "Sao Paulo",
    "postalCode": "01001-000",
    "country": "BR",
    "latitude": -23.5,
    "longitude": -46.6,
}


def body(query: str, **variables: Any) -> dict[str, Any]:
    """A request."""
    return {"query": query, "variables": variables}


def key() -> str:
    """A fresh idempotency key."""
    return str(uuid.uuid4())


def channel() -> dict[str, Any]:
    """The channel."""
    return body(SET_CHANNEL, key=key())


def location(code: str, *channels: str) -> dict[str, Any]:
    """A location that ships for these channels."""
    return body(SET_LOCATION, key=key(), code=code, channels=channels)


def catalog(location_id: str) -> Iterator[dict[str, Any]]:
    """Variants with prices, and a million of each."""
    for start in range(0, VARIANTS, 100):
        skus = [f"B-{number}" for number in range(start, start + 100)]
        price = {"channel": "bench", "price": {"amount": "10.50", "currency": "BRL"}}
        variants = [{"sku": sku, "name": f"Thing {sku}", "weightGrams": 100, "prices": [price]} for sku in skus]
        yield body(SET_VARIANTS, key=key(), variants=variants)
        lines = [{"sku": sku, "setOnHand": 1_000_000} for sku in skus]
        yield body(STOCK, key=key(), location=location_id, lines=lines)


def spread(location_id: str) -> dict[str, Any]:
    """Stock of the first SKUs at one more location."""
    lines = [{"sku": f"B-{number}", "setOnHand": 1_000 + number} for number in range(SPREAD)]
    return body(STOCK, key=key(), location=location_id, lines=lines)


def _lines() -> list[dict[str, Any]]:
    return [{"sku": f"B-{number}", "quantity": 1} for number in random.sample(range(VARIANTS), LINES)]


def place(email: str) -> dict[str, Any]:
    """An order of three lines, to be paid later."""
    return body(PLACE, key=key(), email=email, lines=_lines(), address=ADDRESS)


def place_by_hand(email: str) -> dict[str, Any]:
    """The same for the stored procedure."""
    return {"key": key(), "channel": "bench", "email": email, "lines": _lines(), **ADDRESS}


def reads(orders: list[str], customers: list[str]) -> Iterator[tuple[str, float, str, list[Any], list[Any]]]:
    """(name, ratio wanted, the floor's path, our bodies, the floor's bodies)."""
    by_hand = [{"id": id_} for id_ in orders]
    yield "order status", 0.9, "/order", [body(ORDER_STATUS, id=id_) for id_ in orders], by_hand
    ours, by_hand = [body(CUSTOMER, id=id_) for id_ in customers], [{"id": id_} for id_ in customers]
    yield "one customer with 10 orders", 0.9, "/customer", ours, by_hand
    yield "50 newest orders", 0.85, "/orders", [{"query": NEWEST}], [{}]
    skus = [f"B-{number}" for number in range(SPREAD)]
    yield "one SKU at 10 locations", 0.9, "/sku", [body(SKU, sku=sku) for sku in skus], [{"sku": sku} for sku in skus]
