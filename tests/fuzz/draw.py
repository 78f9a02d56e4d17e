"""Documents drawn from the schema by hand.

hypothesis-graphql takes about 50 ms for one; this takes less than one, finds rows, and nests deeper, which is what a
hundred thousand of them need. What it draws has no fragments, variables or aliases but those that keep the types of
an interface apart: `vary` adds them.
"""

from random import Random
from typing import Any

from graphql import GraphQLInterfaceType, is_leaf_type

from tests.fuzz.tree import SCHEMA, Field, Inline, Selection, Tree, target
from tests.fuzz.values import Values

PREFIXES = ["k", "k", "k", "_", "__", "id", "VALUE", "p", "t1_", "T" * 63, "t" * 63, "é".encode().hex() * 20]
"""How aliases begin. A number follows, so the long ones differ only after what PostgreSQL keeps of an identifier."""

DEEPEST = 17
"""Objects inside objects; `limit` lets 20 through, and variations may add some."""

WIDE = 3
"""How deep connections may have pages of any size: what is inside of them is read once for each of their rows."""


class Drawing:
    """Draws selections; `keys` counts the aliases that were given."""

    def __init__(self, random: Random, values: Values) -> None:
        self.random = random
        self.values = values
        self.keys = 0

    def key(self) -> str:
        """A fresh alias."""
        self.keys += 1
        return f"{self.random.choice(PREFIXES)}{self.keys}"

    def tree(self) -> Tree:
        """A whole query: some root fields, wide or deep."""
        random = self.random
        roots: Any = SCHEMA.query_type
        names = random.sample([*roots.fields], random.choice([1, 1, 1, 2, 3]))
        return Tree([self.field("Query", name, depth=random.choice([1, 2, 2, 3, 3, 4]), level=1) for name in names])

    def field(self, of: str, name: str, *, depth: int, level: int) -> Field:
        """A field with arguments and selections, `depth` objects deep."""
        found = Field(of, name)
        type_: Any = SCHEMA.type_map[of]
        definition = type_.fields[name]
        if definition.args:
            found.arguments = self.values.arguments(self.random, found, definition.args, often=0.25)
            if level > WIDE and "first" in definition.args and found.arguments.get("last") is None:
                found.arguments["first"] = self.random.choice([0, 1, 2])
        if not is_leaf_type(target(found)):
            found.selections = self.selections(target(found), depth=depth, level=level + 1)
        return found

    def selections(self, type_: Any, *, depth: int, level: int) -> list[Selection]:
        """Some fields of a type, each once."""
        if isinstance(type_, GraphQLInterfaceType):
            return self._of_any(type_, depth=depth, level=level)
        random = self.random
        around = type_.name.endswith(("Connection", "Edge"))
        leaves = [name for name in type_.fields if is_leaf_type(target(Field(type_.name, name)))]
        objects = [name for name in type_.fields if name not in leaves]
        wanted = random.sample(leaves, min(len(leaves), random.choice([0, 1, 2, 2, 4, 8])))
        if (depth > 0 and level < DEEPEST) or around:
            wanted += random.sample(
                objects, min(len(objects), random.choice([1, 1, 1, 2, 3] if around else [0, 1, 1, 2]))
            )
        if not wanted:
            wanted = [random.choice(leaves or objects)]
        random.shuffle(wanted)
        return [self.field(type_.name, name, depth=depth - (not around), level=level) for name in wanted]

    def _of_any(self, type_: GraphQLInterfaceType, *, depth: int, level: int) -> list[Selection]:
        """What all have, and what some have: under aliases, because two types' fields of one name may differ."""
        random = self.random
        found: list[Selection] = [Field(type_.name, name) for name in type_.fields if random.random() < 0.7]
        for possible in random.sample([*SCHEMA.get_possible_types(type_)], random.choice([1, 1, 2, 3])):
            inner = self.selections(possible, depth=min(depth - 1, 1), level=level)
            for each in inner:
                each.key = self.key()  # type: ignore[union-attr]
            found.append(Inline(possible.name, inner))
        return found

    def chain(self, type_: Any, length: int, level: int) -> list[Selection]:
        """One object inside the other, as deep as it gets."""
        random = self.random
        if isinstance(type_, GraphQLInterfaceType):
            possible = random.choice([*SCHEMA.get_possible_types(type_)])
            return [Inline(possible.name, self.chain(possible, length, level))]
        objects = [name for name in type_.fields if not is_leaf_type(target(Field(type_.name, name)))]
        if length <= 0 or level >= DEEPEST or not objects:
            return self.selections(type_, depth=0, level=level)
        found = self.field(type_.name, random.choice(objects), depth=0, level=max(level, WIDE + 1))
        found.selections = self.chain(target(found), length - 1, level + 1)
        found.key = self.key()
        return [found]
