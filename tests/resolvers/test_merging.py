"""Field merging by groups gives the verdict that graphql-core's comparison of pairs gives."""

import random

import pytest
from graphql import OverlappingFieldsCanBeMergedRule, build_schema, parse, validate

from resolvers.merging import STEPS_LIMIT, conflicts
from schema.build import build, core_of
from tests.contract import document, names

SCHEMA = build_schema("""
    interface Being { name(surname: Boolean): String relatives: [Being] other: Being id: ID! }
    interface Owned { owner: Human price: Int }
    type Human implements Being {
        name(surname: Boolean): String relatives: [Being] other: Being id: ID! pets: [Pet!]! height: Float age: Int! }
    type Cat implements Being & Owned {
        name(surname: Boolean): String relatives: [Being] other: Being id: ID! owner: Human price: Int
        volume(at: [Int], under: Input): Int lives: Int! mates: [Cat] best: Cat! age: Int }
    type Dog implements Being & Owned {
        name(surname: Boolean): String relatives: [Being] other: Being id: ID! owner: Human price: Int
        volume(at: [Int], under: Input): String lives: Int mates: [Dog!] best: Dog! age: [Int] }
    union Pet = Cat | Dog
    input Input { a: Int b: [Int] c: String }
    type Query { being(id: ID): Being pet: Pet cat(id: ID): Cat dog: Dog human: Human }
""")

FREE = {
    "the same field twice": "{ cat { id id } }",
    "the same arguments in another order": "{ cat { volume(at: 1, under: {a: 1, b: [2]}) volume(under: {b: [2], a: 1}, at: 1) } }",
    "other fields of other types": "{ pet { ...on Cat { x: lives best { id } } ...on Cat { x: lives } ...on Dog { y: lives } } }",
    "other fields of one shape of other types": "{ being { ...on Cat { x: price } ...on Dog { x: price } } }",
    "other arguments for other types": "{ being { ...on Cat { name } ...on Dog { name(surname: true) } } }",
    "objects of other types under one key": "{ pet { ...on Cat { best { a: id } } ...on Dog { best { b: id } } } }",
    "variables": "query ($a: Boolean) { cat { name(surname: $a) name(surname: $a) } }",
    "a circle by fields": "{ being { ...F } } fragment F on Being { other { ...G } } fragment G on Being { other { id } }",
    "__typename": "{ pet { __typename ...on Cat { __typename } } }",
}  # fmt: skip

AT_ODDS = {
    "two fields under one key": "{ cat { x: id x: name } }",
    "other arguments": "{ cat { name name(surname: true) } }",
    "other values": "{ a: cat(id: 1) { id } a: cat(id: 2) { id } }",
    "other variables": "query ($a: ID, $b: ID) { a: cat(id: $a) { id } a: cat(id: $b) { id } }",
    "a string and a block string": '{ a: cat(id: "x") { id } a: cat(id: """x""") { id } }',
    "far below": "{ human { other { other { id } } } human { other { other { id: name } } } }",
    "by a fragment": "{ cat { ...F x: id } } fragment F on Cat { x: name }",
    "between fragments": "{ cat { ...F ...G } } fragment F on Cat { x: name } fragment G on Cat { x: id }",
    "within a fragment": "{ cat { ...F } } fragment F on Cat { x: name x: id }",
    "an interface and its object": "{ being { name ...on Cat { name(surname: true) } } }",
    "other scalars of other types": "{ pet { ...on Cat { volume } ...on Dog { volume } } }",
    "null or not in other types": "{ pet { ...on Cat { lives } ...on Dog { lives } } }",
    "a list or not in other types": "{ pet { ...on Cat { age } ...on Dog { age } } }",
    "lists of null or not in other types": "{ pet { ...on Cat { mates { id } } ...on Dog { mates { id } } } }",
    "a leaf and an object of other types": "{ being { ...on Cat { x: best { id } } ...on Human { x: age } } }",
    "shapes below objects of other types": "{ pet { ...on Cat { best { x: lives } } ...on Dog { best { x: id } } } }",
    "below an interface, beside two objects": """{ being { ...on Cat { owner { x: id } } ...on Dog { owner { x: id } }
        ...on Owned { owner { x: name } } } }""",
    "in the second operation": "query A { cat { id } } query B { cat { x: id x: name } }",
}  # fmt: skip


def by_pairs(text: str) -> bool:
    """Whether graphql-core finds a conflict."""
    return bool(validate(SCHEMA, parse(text), [OverlappingFieldsCanBeMergedRule]))


def by_groups(text: str) -> bool:
    """Whether we find one."""
    return bool(conflicts(SCHEMA, parse(text)))


@pytest.mark.parametrize("text", FREE.values(), ids=FREE)
def test_what_can_be_merged_is_let_through(text: str) -> None:
    assert (by_groups(text), by_pairs(text)) == (False, False)


@pytest.mark.parametrize("text", AT_ODDS.values(), ids=AT_ODDS)
def test_what_cannot_be_merged_is_refused(text: str) -> None:
    assert (by_groups(text), by_pairs(text)) == (True, True)


def test_the_refusal_says_which_fields_and_where() -> None:
    (error,) = conflicts(SCHEMA, parse("{ cat { x: id\n x: name } }"))
    assert error.message.startswith("Fields 'x' conflict because 'id' and 'name' are different fields.")
    assert {(place.line, place.column) for place in error.locations or ()} == {(1, 9), (2, 2)}


FIELDS = {
    "Being": ["name", "name(surname: true)", "id", "relatives", "other", "__typename"],
    "Owned": ["owner", "price"],
    "Human": ["name", "id", "pets", "height", "age", "other"],
    "Cat": ["name", "id", "owner", "price", "volume", "volume(at: 1)", "volume(at: [1])", "lives", "mates", "best", "age"],
    "Dog": ["name", "id", "owner", "price", "volume", "volume(at: 1)", "lives", "mates", "best", "age"],
    "Pet": ["__typename"],
    "Query": ["being", "pet", "cat", "dog", "human", "cat(id: 1)"],
}  # fmt: skip
RETURNED = {
    "relatives": "Being", "other": "Being", "owner": "Human", "pets": "Pet", "being": "Being", "pet": "Pet",
    "cat": "Cat", "dog": "Dog", "human": "Human",
}  # fmt: skip
INSIDE = {"Being": ["Human", "Cat", "Dog", "Owned"], "Owned": ["Cat", "Dog"], "Pet": ["Cat", "Dog", "Being", "Owned"]}


class Writer:
    """Writes documents at random: mostly few keys, so that many of them meet."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.fragments: dict[str, str] = {}

    def document(self) -> str:
        """One query with its fragments."""
        query = self.selection("Query", 4)
        return " ".join([query, *(f"fragment {name} on {body}" for name, body in self.fragments.items())])

    def selection(self, type_: str, depth: int) -> str:
        return "{ " + " ".join(self.one(type_, depth) for _ in range(self.chance.randint(1, 3))) + " }"

    def one(self, type_: str, depth: int) -> str:
        inside = [*INSIDE.get(type_, []), type_]
        drawn = self.chance.random()
        if drawn < 0.25 and depth:
            on = self.chance.choice(inside)
            return f"... on {on} {self.selection(on, depth - 1)}"
        if drawn < 0.4 and depth:
            return self.spread(self.chance.choice(inside), depth)
        return self.field(type_, depth)

    def spread(self, type_: str, depth: int) -> str:
        known = [name for name, body in self.fragments.items() if body.startswith(f"{type_} ") and body[-1] == "}"]
        if known and self.chance.random() < 0.5:
            return f"...{self.chance.choice(known)}"
        name = f"F{len(self.fragments)}"
        self.fragments[name] = f"{type_} "
        self.fragments[name] += self.selection(type_, depth - 1)
        return f"...{name}"

    def field(self, type_: str, depth: int) -> str:
        field = self.chance.choice(FIELDS[type_])
        bare = field.partition("(")[0]
        returned = {"mates": type_, "best": type_}.get(bare) or RETURNED.get(bare)
        if returned and not depth:
            return "__typename"
        alias = self.chance.choice(["", "", "", "", "", "", "", "", "x: "])
        return f"{alias}{field} {self.selection(returned, depth - 1) if returned else ''}"


def test_generated_documents_get_the_same_verdict() -> None:
    verdicts = []
    for seed in range(1_500):
        text = Writer(seed).document()
        assert by_groups(text) == by_pairs(text), text
        verdicts.append(by_groups(text))
    assert 300 < sum(verdicts) < 1_200, "both verdicts must be common, or the comparison says little"


@pytest.mark.parametrize("name", names())
def test_what_our_users_send_can_be_merged(name: str) -> None:
    assert conflicts(core_of(build()), parse(document(name))) == []


def test_a_document_made_to_multiply_is_refused_before_it_does() -> None:
    shared = "other { id " * 12 + "}" * 12
    both = f"...on Cat {{ best {{ {shared} }} {shared} }} ...on Dog {{ best {{ {shared} }} {shared} }} {shared} "
    nested = f"{{ being {{ {both * 60} }} }}"
    found = conflicts(SCHEMA, parse(nested))
    assert not found or "too many fields" in found[0].message
    many = "{ being {" + "name " * (STEPS_LIMIT // 2 + 1) + "} }"
    assert "too many fields" in conflicts(SCHEMA, parse(many))[0].message
