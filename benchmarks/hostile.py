"""`python -m benchmarks.hostile`: documents and orders made to hurt, and the longest that each holds the event loop.

Each document goes through the engine from its text to its refusal, or to the point where its data would be read. A
coroutine is driven by hand: the CPU time of the thread is read around each step, and every pause counts. Nothing may take
over 50 ms. Orders are routed that take long to decide: of those, nothing may keep another task waiting for over 5 ms.
"""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from graphql import get_introspection_query

from domain.placing import Catalog
from domain.routing.router import route
from domain.viewer import SCOPES, Role, Viewer, ViewerKind
from resolvers.deciding import patiently
from resolvers.documents import RequestError
from resolvers.engine import Engine, Request
from resolvers.limits import CHARACTERS_LIMIT, FIELDS_LIMIT, LIMITS, PARTS_LIMIT, TOKENS_LIMIT
from resolvers.writing import World
from schema.build import build, core_of
from tests.domain.routing.hard import KINDS, hard

MOST_MS = 50
RUNS = 3
"""The best of them counts: what else the machine did is not the document's fault."""

WATCHED_SECONDS = 0.0005

N = TOKENS_LIMIT - 40
BODY_BYTES = 256 * 1024

Variables = dict[str, Any]
Hostile = tuple[str, Variables]


class Reached(Exception):
    """The document was accepted and its data would be read now."""


class NoConnection:
    """Knows of nothing, to whatever is asked."""

    async def fetchval(self, _sql: str, *_parameters: Any) -> bytes:
        """No rows."""
        return b"[]"

    @asynccontextmanager
    async def transaction(self, **_options: Any) -> AsyncIterator[None]:
        """Whoever begins one waits for it."""
        await asyncio.sleep(0)
        yield


class NoDatabase:
    """Stands where the pools would: nothing here is about data."""

    @property
    def reads(self) -> "NoDatabase":
        """This, for the ordinary executor: its walk over the document counts too."""
        return self

    @property
    def writes(self) -> Any:
        """For a mutation, which ends here."""
        raise Reached

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[NoConnection]:
        """A connection."""
        yield NoConnection()

    async def read(self, _sql: str, *_parameters: Any, **_: Any) -> bytes:
        """For a plan, which ends here."""
        raise Reached

    async def ask_any(self, ask: Any, _after: Any) -> Any:
        """For the ordinary executor."""
        return await ask(NoConnection())


class Slices(Awaitable[Any]):
    """Awaits something, and remembers the CPU time of each step of it."""

    def __init__(self, inner: Awaitable[Any]) -> None:
        self.inner = inner
        self.seconds: list[float] = []

    def __await__(self) -> Generator[Any, Any, Any]:
        """Every step runs between two looks at the clock."""
        steps = self.inner.__await__()
        sent = None
        while True:
            begun = time.thread_time()
            try:
                awaited = steps.send(sent)
            except StopIteration as end:
                return end.value
            finally:
                self.seconds.append(time.thread_time() - begun)
            sent = yield awaited


def times(count: int, make: Callable[[int], str], between: str = " ") -> str:
    """`make` of every number."""
    return between.join(make(number) for number in range(count))


def selections() -> Iterator[tuple[str, str]]:
    """Documents by what is many in them: as many as the tokens allow, then as many as the other limits do."""
    yield "one field, many times", "{" + "__typename " * N + "}"
    yield "one object, many times", "{" + "viewer{kind} " * (N // 4) + "}"
    yield "one object, as often as fields may be", "{" + "viewer{kind} " * (N // 4 - 2) + "}"
    yield "aliases", "{" + times(N // 3, lambda i: f"a{i}:__typename") + "}"
    yield "as many aliases as may be", "{" + times(LIMITS["aliases"], lambda i: f"a{i}:viewer{{kind role}}") + "}"
    yield "unknown fields", "{" + times(N, lambda i: f"nothing{i}") + "}"
    yield "fields nearly known", "{" + times(FIELDS_LIMIT, lambda i: f"orderr{i}") + "}"
    yield "long unknown fields", "{" + times(20, lambda i: f"{'x' * 2_000}{i}") + "}"
    yield "one very long name", "{" + "x" * (CHARACTERS_LIMIT - 2) + "}"
    yield "unknown types", "{" + times(200, lambda i: f"...on Ordr{i}{{id}}") + "}"
    yield "inline fragments", "{" + "...{__typename}" * (N // 4) + "}"
    yield "as many inline fragments as may be", "{" + "...{viewer{kind role}}" * LIMITS["inline fragments"] + "}"
    yield "nested inline fragments", "{" + "...{" * 45 + "__typename" + "}" * 46
    yield "deeper inline fragments", "{" + "...{" * 190 + "__typename" + "}" * 191
    yield "brackets beyond what can be parsed", "{a" * 1_300 + "}" * 1_300
    yield "a cycle of types", "{order(id:1){" + "customer{orders{nodes{" * 6 + "id" + "}}}" * 6 + "}}"
    yield (
        "wide leaves, deep down",
        "{orders{nodes{customer{orders{nodes{" + times(490, lambda i: f"a{i}:number") + "}}}}}}",
    )
    yield "same key, other arguments", "{" + times(N // 11, lambda i: f"a:order(id:{i}){{id}}") + "}"
    same = "nodes(ids:[" + "1 " * 1_800 + "]){id}"
    yield "same key, one long argument", "{" + same + " ".join(["nodes(ids:[1]){id}"] * 190) + "}"
    many = times(LIMITS["inline fragments"] // 4, lambda _: "...on Order{lines{id}}...on Return{lines{id}}")
    yield "an interface, many times", "{" + times(360, lambda i: f'a{i}:node(id:"x"){{id}}') + "}"
    types = len(core_of(build()).get_possible_types(core_of(build()).type_map["Node"]))  # type: ignore[arg-type]
    most = PARTS_LIMIT // (2 * types + 1)
    yield "an interface, as often as may be", "{" + times(most, lambda i: f'a{i}:node(id:"x"){{id}}') + "}"
    lists = times(
        20, lambda i: f"a{i}:orders{{nodes{{customer{{orders{{nodes{{lines{{id sku}}shipments{{id}}}}}}}}}}}}"
    )
    yield "connections in connections, many times", "{" + lists + "}"
    yield "same key in two types", '{node(id:"x"){' + many + "}}"


def fragments() -> Iterator[tuple[str, str]]:
    """What spreads out, or spreads in circles."""
    doubling = times(30, lambda i: f"fragment F{i} on Query{{...F{i + 1} ...F{i + 1}}}")
    yield "doubling fragments", "{...F0}" + doubling + "fragment F30 on Query{__typename}"
    yield "doubling fragments of nothing", "{...F0}" + doubling + "fragment F30 on Query{}"
    chain = times(40, lambda i: f"fragment F{i} on Query{{...F{i + 1}}}")
    yield "a long chain of fragments", "{...F0}" + times(150, lambda i: f"fragment F{i} on Query{{...F{i + 1}}}")
    yield "a chain of fragments", "{...F0}" + chain + "fragment F40 on Query{__typename}"
    yield "fragments in a circle", "{...F0}" + chain + "fragment F40 on Query{...F0}"
    yield "unused fragments", "{__typename}" + times(N // 8, lambda i: f"fragment F{i} on Query{{__typename}}")
    yield "unknown fragments", "{" + times(LIMITS["fragment spreads"], lambda i: f"...F{i}") + "}"
    spread = "{" + times(LIMITS["fragment spreads"], lambda _: "...F") + "}fragment F on Query{a b c}"
    yield "one fragment, many times", spread
    wide = "fragment F on Query{" + times(49, lambda i: f"a{i}:order(id:$v){{id}}") + "}"
    yield "operations × fragments × variables", times(20, lambda i: f"query q{i}($v:ID!){{...F}}") + wide
    each = times(20, lambda i: f"query q{i}($v:ID!){{...F0}}")
    links = times(40, lambda i: f"fragment F{i} on Query{{...F{i + 1} a{i}:order(id:$v){{id}}}}")
    yield "operations × a chain of fragments", each + links + "fragment F40 on Query{__typename}"
    web = times(40, lambda i: f"fragment F{i} on Query{{" + times(10, lambda j: f"...F{min(i + j + 1, 40)}") + "}")
    yield "a web of fragments", "{...F0}" + web + "fragment F40 on Query{__typename}"


def operations() -> Iterator[tuple[str, str]]:
    """Operations, their variables and directives."""
    yield "operations", times(N // 5, lambda i: f"query q{i}{{__typename}}")
    yield "unused variables", "query(" + times(N // 4, lambda i: f"$v{i}:Int") + "){__typename}"
    most = LIMITS["variables"]
    yield "as many unused variables as may be", "query(" + times(most, lambda i: f"$v{i}:Int") + "){__typename}"
    yield "variables of unknown types", "query(" + times(most, lambda i: f"$v{i}:Inpt{i}") + "){__typename}"
    yield "undefined variables", "{" + times(320, lambda i: f"o{i}:order(id:$v{i}){{id}}") + "}"
    many = (
        f"query({times(most, lambda i: f'$v{i}:ID!')}){{{times(230, lambda i: f'o{i}:order(id:$v{i % most}){{id}}')}}}"
    )
    yield "variables, used", many
    yield "directives", "{__typename " + "@skip(if:true)" * (N // 7) + "}"
    yield "as many directives as may be", "{__typename " + "@skip(if:true)" * LIMITS["directives"] + "}"
    yield "unknown directives", "{__typename " + times(LIMITS["directives"], lambda i: f"@d{i}") + "}"
    costly = (
        "mutation{"
        + times(190, lambda i: f'a{i}:orderConfirm(input:{{id:"x" idempotencyKey:"k"}}){{order{{id}}}}')
        + "}"
    )
    yield "mutations", costly


def values() -> Iterator[tuple[str, str]]:
    """Literals."""
    yield "unknown arguments", "{order(" + times(N // 3, lambda i: f"id{i}:1") + "){id}}"
    yield "one argument, many times", "{order(" + "id:1 " * (N // 3) + "){id}}"
    yield "a long list", "{nodes(ids:[" + times(N, lambda i: f'"{i}"') + "]){id}}"
    yield "a long list of what does not fit", "{nodes(ids:[" + "{a:1}" * (N // 5) + "]){id}}"
    yield "a deep list", "{nodes(ids:" + "[" * 195 + "]" * 195 + "){id}}"
    yield "a deep object", "{orders(filter:" + "{a:" * 195 + "1" + "}" * 195 + "){nodes{id}}}"
    yield "unknown input fields", "{orders(filter:{" + times(N // 3, lambda i: f"a{i}:1") + "}){nodes{id}}}"
    yield "input fields nearly known", "{orders(filter:{" + times(N // 3, lambda i: f"statu{i}:1") + "}){nodes{id}}}"
    yield "one input field, many times", "{orders(filter:{" + "onHold:true " * (N // 3) + "}){nodes{id}}}"
    yield "unknown enum values", "{orders(filter:{status:[" + times(N, lambda i: f"CONFIRME{i}") + "]}){nodes{id}}}"
    yield "a comment", "#" + "x" * (CHARACTERS_LIMIT - 20) + "\n{__typename}"
    yield "comments", "#\n" * N + "{__typename}"
    yield "a long string", '{order(id:"' + "x" * (CHARACTERS_LIMIT - 30) + '"){id}}'
    yield "a string of escapes", '{order(id:"' + "\\u0041" * ((CHARACTERS_LIMIT - 30) // 6) + '"){id}}'
    yield "a block string", '{order(id:"""' + "x\n" * ((CHARACTERS_LIMIT - 30) // 2) + '"""){id}}'
    yield "a block string, indented", '{order(id:"""' + "\n x" * ((CHARACTERS_LIMIT - 30) // 3) + '"""){id}}'
    yield "a long number", "{orders(first:" + "9" * (CHARACTERS_LIMIT - 30) + "){nodes{id}}}"
    yield "a number beyond any float", "{orders(first:1e400){nodes{id}}}"
    yield "nothing but space", " " * CHARACTERS_LIMIT
    yield "too many characters", " " * BODY_BYTES


def inputs() -> Iterator[tuple[str, Hostile]]:
    """Variables of a body's size."""
    ids = "query($v:[ID!]!){nodes(ids:$v){id}}"
    place = "mutation($v:OrderPlaceInput!){orderPlace(input:$v){order{id}}}"
    found = "query($v:OrderFilter){orders(filter:$v){nodes{id}}}"
    deep: Any = 1
    for _ in range(190):
        deep = [deep]
    lines = [{"sku": "a", "quantity": 1}] * 9_000
    yield "ids", (ids, {"v": ["x"] * 60_000})
    yield "numbers for ids", (ids, {"v": [1.5] * 60_000})
    yield "some numbers for ids", (ids, {"v": [1.5] * 4_900})
    yield "lists for ids", (ids, {"v": [[]] * 60_000})
    yield "an object for ids", (ids, {"v": {str(each): 1 for each in range(20_000)}})
    yield "a deep list for ids", (ids, {"v": deep})
    yield "unknown members", (place, {"v": {f"orderr{each}": 1 for each in range(16_000)}})
    yield "some unknown members", (place, {"v": {f"orderr{each}": 1 for each in range(4_900)}})
    yield "empty lines", (place, {"v": {"lines": [{}] * 80_000}})
    yield "some empty lines", (place, {"v": {"lines": [{}] * 4_900}})
    yield "lines", (place, {"v": {"lines": lines}})
    yield "a whole order of lines", (place, {"v": {"idempotencyKey": "k", "channel": "c", "lines": lines}})
    yield "a long member", (place, {"v": {"x" * 200_000: 1}})
    yield "a long enum value", (found, {"v": {"status": ["x" * 200_000]}})
    yield "unknown enum values in variables", (found, {"v": {"status": ["CONFIRME"] * 15_000}})
    yield "variables that nobody asked for", ("{__typename}", {str(each): each for each in range(20_000)})
    yield "a huge page", ("query($n:Int){orders(first:$n){nodes{id}}}", {"n": 2**31 - 1})


def introspections() -> Iterator[tuple[str, str]]:
    """What tools ask, and what nobody should."""
    yield "the introspection query", get_introspection_query(descriptions=True, input_value_deprecation=True)
    around = "{__schema{types{" + "fields{type{" * 8 + "name" + "}}" * 8 + "}}}"
    yield "introspection in circles", around
    one = "__schema{types{name description fields{name description args{name type{name}}type{name ofType{name}}}}}"
    yield "introspection, many times", "{" + times(40, lambda i: f"a{i}:{one}") + "}"
    most = LIMITS["questions about the schema"]
    yield "introspection, as often as may be", "{" + times(most, lambda i: f"a{i}:{one}") + "}"
    node = '__type(name:"Node"){possibleTypes{fields{name args{name type{name}}type{name}}}}'
    yield "introspection beside data", "{" + times(most, lambda i: f"a{i}:{node}") + "viewer{kind}}"


def catalogue() -> Iterator[tuple[str, Hostile]]:
    """All of them."""
    for source in (selections, fragments, operations, values, introspections):
        for name, text in source():
            yield name, (text, {})
    yield from inputs()


OPERATIONS = Viewer(ViewerKind.STAFF, Role.OPERATIONS, "hostile", "Hostile", SCOPES[Role.OPERATIONS])


async def outcome(engine: Engine, hostile: Hostile) -> tuple[str, float]:
    """How a request ended, and the longest that it held the loop, in ms."""
    text, variables = hostile
    slices = Slices(engine.answer(Request(text, None, variables), OPERATIONS))
    try:
        answer = f"{len(await slices):,} bytes"
    except RequestError as error:
        code = (error.errors[0].extensions or {}).get("code")
        answer = f"{code}: {error.errors[0].message[:80]} ({len(error.errors)})"
    except Reached:
        answer = "would be read"
    return answer, max(slices.seconds) * 1_000


ORDERS = (
    ("thin", 6, 40),
    ("bound", 6, 40),
    ("ruled", 6, 40),
    ("usual", 1, 1000),
    ("usual", 100, 1000),
    ("thin", 100, 1000),
)
"""Kinds of hard orders, their lines, and the locations that have some of each."""
MOST_ROUTING_MS = 5


async def waited(kind: str, lines: int, locations: int, seed: int) -> tuple[float, float]:
    """How long an order took, and the longest that another task was kept waiting beyond what it asked for, in ms."""
    request, network, snapshot = hard(KINDS[kind], seed, lines, locations)
    offered = Catalog(UUID(int=0), "BRL", "1", None, {}, network, request.at)
    gc.collect()
    gc.freeze()  # what was asked is not to be looked through for garbage: it is no part of the decision
    late = [0.0]

    async def watch() -> None:
        while True:
            due = time.perf_counter() + WATCHED_SECONDS
            await asyncio.sleep(WATCHED_SECONDS)
            late.append(time.perf_counter() - due)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(WATCHED_SECONDS)
    begun = time.perf_counter()
    await patiently(lambda each: route(request, each.network, snapshot, hurried=not each.is_patient), offered)
    taken = time.perf_counter() - begun
    await asyncio.sleep(2 * WATCHED_SECONDS)
    watching.cancel()
    return taken * 1_000, max(late) * 1_000


async def routed() -> int:
    """Every hard order; how many kept others waiting for too long."""
    too_long = 0
    for kind, lines, locations in ORDERS:
        runs = [[await waited(kind, lines, locations, seed) for _ in range(RUNS)] for seed in range(3)]
        longest = max(min(late for _, late in each) for each in runs)
        taken = max(min(taken for taken, _ in each) for each in runs)
        too_long += longest > MOST_ROUTING_MS
        told = f"{'  TOO LONG' if longest > MOST_ROUTING_MS else ''}  {kind} order of {lines} × {locations}"
        print(f"{longest:6.1f} ms{told}: decided in {taken:.0f} ms")
    return too_long


async def main() -> int:
    """Every document, every order, and the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world: Any = World(NoDatabase())  # type: ignore[arg-type]
    gc.collect()
    gc.freeze()
    too_long = 0
    for name, hostile in catalogue():
        runs = [await outcome(Engine(core_of(build()), world), hostile) for _ in range(RUNS)]
        answer, longest = min(runs, key=lambda run: run[1])
        too_long += longest > MOST_MS
        print(f"{longest:6.1f} ms{'  TOO LONG' if longest > MOST_MS else ''}  {name}: {answer}")
    too_long += await routed()
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
