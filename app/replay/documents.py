"""What the replay asks, as GraphQL documents. Several steps of one order travel together where their ids are known."""

from functools import cache

from app.replay.client import Document

ERRORS = "userErrors { code message }"

HELLO = Document("query ReplayHello { __typename }")

SET_CHANNEL = Document(f"""
mutation ReplayChannel($input: ChannelSetInput!) {{
  done: channelSet(input: $input) {{ channel {{ id }} {ERRORS} }}
}}""")

SET_LOCATION = Document(f"""
mutation ReplayLocation($input: LocationSetInput!) {{
  done: locationSet(input: $input) {{ location {{ id }} {ERRORS} }}
}}""")

SET_VARIANTS = Document(f"""
mutation ReplayVariants($input: VariantsSetInput!) {{
  done: variantsSet(input: $input) {{
    variants {{ sku inventory {{ levels(first: 100) {{ nodes {{ location {{ code }} onHand available version }} }} }} }}
    {ERRORS}
  }}
}}""")

ADJUST_STOCK = Document(f"""
mutation ReplayStock($input: StockAdjustInput!) {{
  done: stockAdjust(input: $input) {{ {ERRORS} }}
}}""")

REFERENCES = Document("""
query ReplayReferences($filter: OrderFilter!, $after: String) {
  orders(first: 100, after: $after, filter: $filter) {
    nodes { externalReference }
    pageInfo { hasNextPage endCursor }
  }
}""")

ORDERS = Document("""
query ReplayOrders($filter: OrderFilter!, $after: String) {
  orders(first: 100, after: $after, filter: $filter) {
    nodes {
      externalReference status placedAt
      subtotal { amount } shippingTotal { amount }
      deliverBy { latest }
      lines { quantity }
      payments { kind status amount { amount } }
      shipments { status deliveredAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}""")

AFTERMATH = Document("""
query ReplayAftermath($filter: OrderFilter!, $after: String) {
  orders(first: 50, after: $after, filter: $filter) {
    nodes {
      externalReference unroutedAt
      fulfillmentOrders { id status lines { id quantity short canceled } }
    }
    pageInfo { hasNextPage endCursor }
  }
}""")

PLACE = Document(f"""
mutation ReplayPlace($place: OrderPlaceInput!) {{
  place: orderPlace(input: $place) {{ order {{ id fulfillmentOrders {{ id }} }} {ERRORS} }}
}}""")

WORK = "{ id lines { id quantity } }"

PLACE_WITH_LINES = Document(f"""
mutation ReplayPlaceWithLines($place: OrderPlaceInput!) {{
  place: orderPlace(input: $place) {{ order {{ id fulfillmentOrders {WORK} }} {ERRORS} }}
}}""")

STEP_FIELDS = {
    "confirm": ("orderConfirm", "OrderConfirmInput", ""),
    "capture": ("paymentCapture", "PaymentCaptureInput", ""),
    "accept": ("fulfillmentOrderAccept", "FulfillmentOrderAcceptInput", ""),
    "pick": ("fulfillmentOrderPick", "FulfillmentOrderPickInput", ""),
    "search": ("fulfillmentOrderPick", "FulfillmentOrderPickInput", f"rerouted {WORK}"),
    "reject": ("fulfillmentOrderReject", "FulfillmentOrderRejectInput", f"rerouted {WORK}"),
    "pack": ("fulfillmentOrderPack", "FulfillmentOrderPackInput", "fulfillmentOrder { packages { id } }"),
    "ship": ("shipmentCreate", "ShipmentCreateInput", "shipment { id }"),
    "hand": ("shipmentHandOver", "ShipmentHandOverInput", ""),
    "deliver": ("shipmentDeliver", "ShipmentDeliverInput", ""),
    "cancel": ("orderCancel", "OrderCancelInput", ""),
}
"""Steps: the mutation, its input, and what is asked of its payload beside errors."""


@cache
def steps(*names: str) -> Document:
    """A document of steps, done in this order. A name is a step and a number: accept0, accept1."""
    kinds = [STEP_FIELDS[name.rstrip("0123456789")] for name in names]
    variables = ", ".join(f"${name}: {kind}!" for name, (_, kind, _) in zip(names, kinds, strict=True))
    fields = "\n".join(
        f"  {name}: {field}(input: ${name}) {{ {asked} {ERRORS} }}"
        for name, (field, _, asked) in zip(names, kinds, strict=True)
    )
    return Document(f"mutation ReplaySteps({variables}) {{\n{fields}\n}}")
