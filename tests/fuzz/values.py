"""Values that mean something in the referee's world: what a generator makes up by itself finds nothing."""

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)

from domain import ids
from tests.fuzz.tree import SCHEMA, Field, Member, target
from tests.referee import Referee, unordered
from tests.world import World, gid, rows_of

SIZES = [0, 1, 2, 3, 5]
MOMENTS = ["2018-01-01T12:00:00Z", "2018-01-01T09:30:00-03:00", "2030-01-01T00:00:00Z", "1999-12-31T23:59:59.5Z"]
ODD_TEXTS = [
    "",
    " ",
    "名",
    "👩‍👩‍👧 e\u0301",
    "\u202eמשהו\u202c",
    "%",
    "_",
    "\\",
    "'; --",
    '"',
    "$1",
    ":p0",
    "\x7f",
    "\ufeff",
]
"""Emoji, combining characters, right to left, and what SQL, LIKE and JSON might trip over."""

TEXTS: dict[str, list[Any]] = {
    "sku": ["SHIRT", "SHOE", "MUG", "GULF-1", "none"],
    "skus": ["SHIRT", "CAP", "OUTFIT", "SCARF", "SHOE", "MUG", "none"],
    "country": ["BR", "JP"],
    "currency": ["BRL", "JPY"],
    "postalCode": ["01304-001", "013", "99999", ""],
    "channel": ["web", "phone", "gulf", "none"],
    "tag": ["vip", "ünïcode", "none"],
    "query": ["100007", "ana@example.com", " BOB@example.com ", "+5511987654321", "BR100006", "ana", "SHIRT", "01304-001"],
    "reference": ["cart-1", "cart-“0”", "none"],
    "queue": ["location:SAO1", "location:RIO1", "call-center", "none"],
    "skills": ["forklift", "cold “store”", "none"],
    "WorkItemConnection.kind": ["COUNT_SHELF", "CALL_BACK", "PUT_BACK", "none"],
    "Channel.code": ["web", "phone", "gulf", "chile"],
    "Location.code": ["SAO1", "RIO1"],
    "Supplier.code": ["ACME", "OTHER", "none"],
    "Product.code": ["P-SHIRT", "P-MUG"],
    "from": ["2018-01-01T00:00:00Z"],
    "to": ["2030-01-01T00:00:00Z"],
    "FulfillmentOption.input": [
        {
            "channel": "web",
            "lines": [{"sku": "SHIRT", "quantity": 1}],
            "destination": {"country": "BR", "postalCode": "01304-001", "city": "São “Paulo”"},
        }
    ],
    "RoutingSimulation.input": [
        {
            "orders": {"placedFrom": "2018-01-01T00:00:00Z", "placedTo": "2030-01-01T00:00:00Z"},
            "ruleset": {"name": "e “se”?", "channel": "web"},
        }
    ],
}  # fmt: skip
"""Texts by the argument's name, or by what its field gives and its name."""

NODE_TYPES = [type_.name for type_ in SCHEMA.get_possible_types(SCHEMA.type_map["Node"])]  # type: ignore[arg-type]

NAMED_OTHERWISE = {
    "endpointId": "WebhookEndpoint",
    "locationId": "Location",
    "fromLocationId": "Location",
    "toLocationId": "Location",
}
"""Whose id an argument is, where its name does not say it."""

NO_IDS = ["nonsense", "", "ord_", "evt_99999999999999999999", "evt_-1"]

BAD_PAGES = [-1, 101, 2**31 - 1]
BAD_CURSORS = ["", "x", "W10=", "bnVsbA==", "WyJQTEFDRURfQVQiXQ==", "é", "W" * 5_000]
BAD_KEYS: list[Any] = [
    2**31, 2**63, 10**30, -1, True, 1.5, None, "", "a\0b", "2018-01-01T00:00:00", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00", "{01610000-0000-7000-8000-0000000003ab}", [], {},
]  # fmt: skip
"""What somebody may put into a cursor."""
BAD_BY_TYPE: dict[str, list[Any]] = {
    "Int": [2**31, -(2**31) - 1, 2**63, 10**40, "5", 1.5, True, [], {}],
    "String": [5, 2**63, True, "a\0b", ["a", "b"]],
    "ID": [1.5, True, 2**63, "a\0b", {}],
    "Boolean": ["true", 1, 0, []],
    "DateTime": ["", "yesterday", "2018-01-01T00:00:00", "0001-01-01T00:00:00+14:00", 2**63, True],
    "Float": ["1", True],
}


class Values:
    """Draws the values of arguments."""

    def __init__(self, world: World, cursors: dict[str, list[str]]) -> None:
        self.cursors = cursors
        self.every_cursor = [each for known in cursors.values() for each in known]
        self.ids = {
            name: [gid(name, row) for row in (rows[:15] + rows[-3:])]
            for name in NODE_TYPES
            if name != "Event" and (rows := rows_of(name, world))
        }
        self.ids["Event"] = [ids.encode("Event", number) for number in (1, 2, 50, len(world.rows["events"]), 10_000)]
        self.every_id = [*(each for known in self.ids.values() for each in known), *NO_IDS]

    def arguments(self, random: Random, of: Field, definitions: dict[str, Any], often: float) -> dict[str, Any]:
        """The arguments of a field: those it needs, and others often or rarely; pages from one end."""
        given = {}
        for name, definition in definitions.items():
            if is_required_argument(definition) or random.random() < often:
                value = self.argument(random, definition.type, name, of)
                if value is not ...:
                    given[name] = value
        return one_end(random, given)

    def argument(self, random: Random, type_: GraphQLInputType, name: str, of: Field) -> Any:
        """A value that fits; `...` where there is none."""
        if isinstance(type_, GraphQLNonNull):
            return self._some(random, type_.of_type, name, of)
        return None if random.random() < 0.1 else self._some(random, type_, name, of)

    def _some(self, random: Random, type_: Any, name: str, of: Field) -> Any:
        if isinstance(type_, GraphQLList):
            size = random.choice([0, 1, 2, 3, 12]) if name == "ids" else random.choice([0, 1, 1, 2, 3])
            return [self.argument(random, type_.of_type, name, of) for _ in range(size)]
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(random, type_, of)
        if isinstance(type_, GraphQLEnumType):
            return Member(random.choice([*type_.values]))
        if name in ("first", "last"):
            return random.choice(SIZES)
        if name in ("after", "before"):
            known = self.cursors.get(target(of).name)
            return random.choice(known) if known else ...
        return self._scalar(random, type_.name, name, of)

    def _object(self, random: Random, type_: GraphQLInputObjectType, of: Field) -> Any:
        wanted = [name for name, field in type_.fields.items() if is_required_input_field(field)]
        free = [name for name in type_.fields if name not in wanted]
        wanted += random.sample(free, min(len(free), random.choice([0, 1, 1, 2, 3])))
        return {name: self.argument(random, type_.fields[name].type, name, of) for name in wanted}

    def _scalar(self, random: Random, scalar: str, name: str, of: Field) -> Any:
        if scalar == "ID":
            typename = f"{name[0].upper()}{name[1:].removesuffix('Id')}" if name.endswith("Id") else target(of).name
            typename = NAMED_OTHERWISE.get(name, typename)
            likely = self.ids.get(typename)
            return random.choice(likely if likely and random.random() < 0.85 else self.every_id)
        if scalar == "String":
            likely = TEXTS.get(f"{target(of).name}.{name}") or TEXTS.get(name)
            return random.choice(likely if likely and random.random() < 0.85 else [*ODD_TEXTS, *TEXTS["query"]])
        if scalar in ("CountryCode", "CurrencyCode"):
            return random.choice(TEXTS[scalar.removesuffix("Code").lower()])
        if scalar == "DateTime":
            return random.choice(MOMENTS)
        return {"Boolean": random.random() < 0.5, "Float": random.choice([0.0, -1.5, 1e300])}.get(
            scalar, random.choice([0, 1, -1, 7, 2**31 - 1])
        )

    def _forged(self, random: Random) -> str:
        """A cursor of some list with another key in it."""
        parts = json.loads(base64.b64decode(random.choice(self.every_cursor)))
        parts[random.randrange(len(parts))] = random.choice(BAD_KEYS)
        return base64.b64encode(json.dumps(parts).encode()).decode()

    def bad(self, random: Random, type_: GraphQLInputType, name: str) -> Any:
        """A value that some layer must refuse, or that finds nothing."""
        if name in ("first", "last") and random.random() < 0.5:
            return random.choice(BAD_PAGES)
        if name in ("after", "before") and random.random() < 0.7:
            return random.choice([random.choice(BAD_CURSORS), random.choice(self.every_cursor), self._forged(random)])
        if name == "ids" and random.random() < 0.3:
            return ["nonsense"] * 101
        return random.choice([*BAD_BY_TYPE.get(get_named_type(type_).name, ["NOTHING", 1]), None])


def one_end(random: Random, given: dict[str, Any]) -> dict[str, Any]:
    """Pages are asked for from one end, nearly always; a cursor goes with the order that it belongs to."""
    if given.get("first") is not None and given.get("last") is not None and random.random() < 0.97:
        del given[random.choice(["first", "last"])]
    if given.get("sort") is not None and {"after", "before"} & given.keys() and random.random() < 0.5:
        del given["sort"]
    return given


async def values_of(referee: Referee) -> Values:
    """Values of the referee's world, with cursors of every list that can be asked for."""
    found: dict[str, list[str]] = {}
    for asked in _listed():
        answer = unordered(await referee.ordinary(asked, referee.viewers["operations"], {}))
        for page in answer["data"].values():
            page = page["inventory"]["levels"] if "inventory" in page else page  # noqa: PLW2901
            found[page["__typename"]] = [edge["cursor"] for edge in page["edges"]]
    return Values(referee.world, found)


def _listed() -> Iterator[str]:
    query: Any = SCHEMA.query_type
    for name, field in query.fields.items():
        needs_nothing = not any(is_required_argument(each) for each in field.args.values())
        if get_named_type(field.type).name.endswith("Connection") and needs_nothing:
            yield f"{{ {name}(first: 60) {{ __typename edges {{ cursor }} }} }}"
    yield '{ variant(sku: "SHIRT") { inventory { levels { __typename edges { cursor } } } } }'
