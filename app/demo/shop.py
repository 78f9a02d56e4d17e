"""How the demo does things: through the engine's own mutations, each told by whoever would do it in earnest."""

from typing import Any

import orjson

from app.failure import Failure
from app.tokens import KINDS
from domain.ids import key_of
from domain.viewer import SCOPES, Role, Scope, Viewer
from resolvers.engine import Engine, Request

PAST = frozenset({Scope.HISTORY_WRITE, Scope.PAYMENTS_RECORD})
"""What all of them need beside their role: they tell of days gone by, and of money that was taken elsewhere."""

PART_OF_THE_STORY = {"PAYMENT_DECLINED"}
"""Errors that stand beside a result and belong there."""

ORDER = "order { id customer { id } lines { id quantity } fulfillmentOrders { id location { code } lines { id } } }"

ANSWERS: dict[str, str] = {
    "locationSet": "location { id code }",
    "orderPlace": ORDER,
    "orderDraft": "order { id }",
    "orderHold": "order { holds { id } }",
    "fulfillmentOrderPick": "rerouted { id location { code } }",
    "fulfillmentOrderPack": "fulfillmentOrder { packages { id } }",
    "shipmentCreate": "shipment { id order { fulfillmentOrders { id location { code } } } }",
    "returnRequest": "return { id lines { id quantity } }",
    "workItemCreate": "workItem { id }",
    "returnCreate": "return { id lines { id quantity } }",
    "supplierSet": "supplier { id }",
    "purchaseOrderCreate": "purchaseOrder { id }",
    "transferCreate": "transfer { id }",
    "stockCountStart": "stockCount { id }",
}
"""What is asked of an answer, where a later step needs it."""


class DemoError(Failure):
    """The demo cannot be loaded; the message says why."""


class Shop:
    """The running graph, as the demo's people use it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.locations: dict[str, str] = {}
        """Ids by code."""
        self.owner = viewer(Role.OPERATIONS, "Noemi Castro")
        self.agent = viewer(Role.AGENT, "Rafael Teles")
        self.web = app("Web shop", Scope.ORDERS_PLACE, Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.PAYMENTS_AUTHORIZE)
        self.till = app("Accounts", Scope.ORDERS_READ, Scope.PAYMENTS_WRITE)
        self.carrier = app("Carrier", Scope.ORDERS_READ, Scope.TRACKING_WRITE)

    def floor(self, code: str) -> Viewer:
        """Whoever works at a location."""
        id_ = self.locations[code]
        return viewer(Role.WAREHOUSE, f"Floor of {code}", location_ids=(key_of(id_),))

    def counter(self, code: str) -> Viewer:
        """Whoever stands at a store's counter."""
        return viewer(Role.STORE, f"Counter of {code}", location_ids=(key_of(self.locations[code]),))

    def customer(self, id_: str, name: str) -> Viewer:
        """A customer who signed in."""
        return viewer(Role.CUSTOMER, name, customer_id=key_of(id_))

    async def do(self, who: Viewer, mutation: str, given: dict[str, Any]) -> dict[str, Any]:
        """One mutation; its payload."""
        payload: dict[str, Any] = (await self.ask(who, document(mutation), {"input": given}))[mutation]
        for error in payload["userErrors"]:
            if error["code"] not in PART_OF_THE_STORY:
                raise DemoError(f"{mutation} was refused: {error['code']}: {error['message']} ({given})")
        return payload

    async def ask(self, who: Viewer, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any document's data."""
        body = orjson.loads(await self.engine.answer(Request(query, variables=variables), who))
        if "errors" in body:
            raise DemoError(f"the demo asked wrongly: {body['errors']}")
        data: dict[str, Any] = body["data"]
        return data


def document(mutation: str) -> str:
    """A mutation as it is sent."""
    input_ = f"{mutation[0].upper()}{mutation[1:]}Input"
    answer = ANSWERS.get(mutation, "")
    return f"mutation($input: {input_}!) {{ {mutation}(input: $input) {{ {answer} userErrors {{ code message }} }} }}"


def viewer(role: Role, name: str, **bounds: Any) -> Viewer:
    """Somebody with a role, who may also tell of the past."""
    return Viewer(KINDS[role], role, f"demo:{name}", name, SCOPES[role] | PAST, **bounds)


def app(name: str, *scopes: Scope) -> Viewer:
    """Another system."""
    return Viewer(KINDS[Role.APP], Role.APP, f"demo:{name}", name, PAST | frozenset(scopes))
