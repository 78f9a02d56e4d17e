"""What clients do to a document without changing what it is about: aliases, variables, fragments, directives,
fields asked for twice, and now and then a value that makes no sense.

Every variation keeps the document valid. That takes one rule: fields with arguments, and fields of one type among
several, are told apart by aliases that are given once; a copy keeps its alias.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_nullable_type,
)

from tests.fuzz.draw import Drawing
from tests.fuzz.tree import (
    INCLUDE,
    SCHEMA,
    SKIP,
    Field,
    Fragment,
    Inline,
    Selection,
    Spread,
    Tree,
    Use,
    Variable,
    field_of,
    target,
)
from tests.fuzz.values import Values

ASKINGS = 2
"""How often a document is asked, each time with other values: a plan must serve them all."""

BAD = 0.05
"""How many documents hold a value that makes no sense."""


def varied(tree: Tree, random: Random, values: Values) -> Tree:
    """A document with variations."""
    variation = Variation(tree.copy(), random, values)
    variation.rename()
    if random.random() < 0.15:
        variation.deepen()
    variation.lift(random.choice([0, 0.1, 0.3, 0.8]))
    if random.random() < BAD:
        variation.spoil()
    for _ in range(random.choice([0, 0, 1, 2, 3])):
        variation.repeat()
    for _ in range(random.choice([0, 0, 1, 2, 3])):
        variation.hoist()
    variation.tell_types(random.choice([0, 0, 0.2, 1]))
    variation.decide(random.choice([0, 0, 0.05, 0.2]))
    variation.tree.tidy()
    return variation.tree


def with_meaning(tree: Tree, random: Random, values: Values) -> Tree:
    """A generated document with arguments that find something; which of them are given, stays as it was drawn."""
    tree = tree.copy()
    for each in tree.fields():
        if each.arguments:
            kept = {name: each.arguments[name] is not None and random.random() < 0.9 for name in each.arguments}
            wanted = {name: field_of(each).args[name] for name, again in kept.items() if again}
            drawn = values.arguments(random, each, wanted, often=1)
            each.arguments = {
                name: drawn.get(name) if again else value
                for name, again in kept.items()
                for value in [each.arguments[name]]
                if name in drawn or not again
            }
            _sized(each, random)
    return tree


def _sized(each: Field, random: Random) -> None:
    """What was not drawn anew still has to be a page from one end, or the whole document would be refused."""
    ends = [name for name in ("first", "last") if each.arguments.get(name) is not None]
    for name in ends:
        each.arguments[name] = min(max(each.arguments[name], 0), random.choice([1, 2, 5, 100]))
    if len(ends) > 1:
        del each.arguments[random.choice(ends)]
    for name in ("after", "before"):
        if isinstance(each.arguments.get(name), str) and len(each.arguments[name]) < 20:
            del each.arguments[name]


class Variation:
    """Changes one tree in place."""

    def __init__(self, tree: Tree, random: Random, values: Values) -> None:
        self.tree = tree
        self.random = random
        self.drawing = Drawing(random, values)
        self.drawing.keys = 1_000
        self.values = values

    # -- aliases ---------------------------------------------------------------------------------------------------

    def rename(self) -> None:
        """Some aliases; inside of `... on Type` everything has one."""
        often = self.random.choice([0, 0.1, 0.5])
        for each in self.tree.every():
            if isinstance(each, Inline) and each.on:
                for inner in each.selections:
                    if isinstance(inner, Field) and inner.name != "id":
                        inner.key = self.drawing.key()
            elif isinstance(each, Field) and not each.key and self.random.random() < often:
                each.key = self.drawing.key()

    # -- more to ask -----------------------------------------------------------------------------------------------

    def deepen(self) -> None:
        """One object inside the other, down to the limit."""
        type_, selections = self.random.choice([*self.tree.lists()])
        selections += self.drawing.chain(SCHEMA.type_map[type_], self.random.choice([3, 6, 12]), level=6)

    def tell_types(self, often: float) -> None:
        """`__typename`, here or everywhere."""
        for type_, selections in [*self.tree.lists()]:
            if self.random.random() < often:
                key = self.drawing.key() if self.random.random() < 0.2 else None
                selections.insert(self.random.randint(0, len(selections)), Field(type_, "__typename", key))

    # -- variables -------------------------------------------------------------------------------------------------

    def lift(self, often: float) -> None:
        """Literals become variables, at any depth of a value."""
        for each in [*self.tree.fields()]:
            for name, value in each.arguments.items():
                type_ = field_of(each).args[name].type
                each.arguments[name] = self._lifted(value, type_, often, name, each)

    def _lifted(self, value: Any, type_: GraphQLInputType, often: float, name: str, of: Field) -> Any:
        if self.random.random() < often:
            return self._variable(type_, value, lambda: self.values.argument(self.random, type_, name, of))
        inner = get_nullable_type(type_)
        if isinstance(value, dict) and isinstance(inner, GraphQLInputObjectType) and not inner.is_one_of:
            fields = inner.fields
            return {key: self._lifted(part, fields[key].type, often, key, of) for key, part in value.items()}
        if isinstance(value, list) and isinstance(inner, GraphQLList):
            return [self._lifted(part, inner.of_type, often, name, of) for part in value]
        return value

    def _variable(self, type_: GraphQLInputType, value: Any, another: Callable[[], Any]) -> Use:
        """A variable for a place of `type_`: required or not, with a default or not, given, left out or null."""
        random = self.random
        for name, known in self.tree.variables.items():  # one variable in two places
            if known.type == str(type_) and random.random() < 0.2:
                return Use(name)
        filled = isinstance(type_, GraphQLNonNull)  # the place takes no null
        default = value if (value is not None or not filled) and random.random() < 0.4 else ...
        required = (value is not None and random.random() < 0.3) or (filled and default is ...)
        others = [value]
        if default is not ... or not required:
            others.append(...)
        if not required and (not filled or random.random() < BAD):
            others.append(None)
        values = [random.choice([value, value, *others])]
        values += [random.choice([another() if value is not None else None, *others]) for _ in range(ASKINGS - 1)]
        if required:
            values = [value if each is None or (each is ... and default is ...) else each for each in values]
        return self._declared(f"{get_nullable_type(type_)}{'!' if required else ''}", values, default)

    def _declared(self, type_: str, values: list[Any], default: Any = ...) -> Use:
        name = f"v{len(self.tree.variables)}"
        self.tree.variables[name] = Variable(type_, values, default)
        return Use(name)

    # -- directives ------------------------------------------------------------------------------------------------

    def decide(self, often: float) -> None:
        """`@include` and `@skip`, one or both, by literals and by variables."""
        for each in [*self.tree.every()]:
            for name in (INCLUDE, SKIP):
                if self.random.random() < often:
                    each.directives.append((name, self._condition(counts=name == INCLUDE)))
            self.random.shuffle(each.directives)

    def _condition(self, *, counts: bool) -> Any:
        """True or false; more often what lets the selection count."""
        random = self.random
        value = counts if random.random() < 0.7 else not counts
        if random.random() < 0.5:
            return value
        booleans = [name for name, known in self.tree.variables.items() if known.type == "Boolean!"]
        if booleans and random.random() < 0.3:
            return Use(random.choice(booleans))
        default = random.choice([..., True, False])
        others = [True, False, *([...] if default is not ... else [])]
        given = [random.choice(others) for _ in range(ASKINGS - 1)]
        return self._declared(random.choice(["Boolean!", "Boolean"]) if default is not ... else "Boolean!",
                              [value, *given], default)  # fmt: skip

    # -- fields asked for twice ------------------------------------------------------------------------------------

    def repeat(self) -> None:
        """A field once more, with some of its selections and others, plainly or inside a fragment."""
        random = self.random
        type_, selections = random.choice([*self.tree.lists()])
        fields = [each for each in selections if isinstance(each, Field)]
        if not fields:
            return
        again = deepcopy(random.choice(fields))
        if again.selections:
            again.selections = random.sample(again.selections, random.randint(0, len(again.selections)))
            again.selections += self._fresh(target(again))
        where = random.randint(0, len(selections))
        selections.insert(where, self._wrapped(type_, again))

    def _fresh(self, type_: Any) -> list[Selection]:
        """Selections of a type that nothing else collides with."""
        found = self.drawing.selections(type_, depth=0, level=6)
        for each in found:
            if isinstance(each, Field):
                each.key = self.drawing.key()
        return found

    def _wrapped(self, type_: str, selection: Selection) -> Selection:
        chosen = self.random.choice(["plain", "inline", "on", "interface", "named"])
        if chosen == "plain":
            return selection
        if chosen == "inline":
            return Inline(None, [selection])
        if chosen == "named":
            return self._named(type_, [selection])
        above: Any = SCHEMA.type_map[type_]
        wide = isinstance(above, GraphQLObjectType) and above.interfaces and chosen == "interface"
        on = Inline(type_, [selection])
        return Inline(above.interfaces[0].name, [on]) if wide else on

    # -- named fragments -------------------------------------------------------------------------------------------

    def hoist(self) -> None:
        """Some selections move to a fragment, which is spread once, twice, or somewhere else as well."""
        random = self.random
        type_, selections = random.choice([*self.tree.lists()])
        start = random.randrange(len(selections))
        end = random.randint(start + 1, len(selections))
        spread = self._named(type_, selections[start:end])
        selections[start:end] = [spread]
        if random.random() < 0.4:
            selections.insert(random.randint(0, len(selections)), Spread(spread.name))
        if random.random() < 0.3 and self._stands_alone(spread.name):
            self._elsewhere(type_, spread.name)

    def _named(self, type_: str, selections: list[Selection]) -> Spread:
        name = f"F{len(self.tree.fragments)}"
        self.tree.fragments[name] = Fragment(type_, selections)
        return Spread(name)

    def _elsewhere(self, type_: str, name: str) -> None:
        objects = [each for each in Tree(self.tree.selections).fields() if each.selections]
        fitting = [each for each in objects if target(each).name == type_]
        if fitting:
            chosen = self.random.choice(fitting).selections
            chosen.insert(self.random.randint(0, len(chosen)), Spread(name))

    def _stands_alone(self, name: str) -> bool:
        """Whether nothing in a fragment can collide with what is asked for elsewhere."""
        fragment = self.tree.fragments[name]
        inside = [*Tree([Inline(fragment.on, fragment.selections)]).every()]
        fields = [each for each in inside if isinstance(each, Field)]
        return not any(isinstance(each, Spread) for each in inside) and all(
            each.key or not each.arguments for each in fields
        )

    # -- values that make no sense ---------------------------------------------------------------------------------

    def spoil(self) -> None:
        """One argument is out of bounds, of another list, or of the wrong type: as a literal or as a variable."""
        random = self.random
        fields = [each for each in self.tree.fields() if each.name != "__typename" and field_of(each).args]
        if not fields:
            return
        spoiled = random.choice(fields)
        name, definition = random.choice([*field_of(spoiled).args.items()])
        bad = self.values.bad(random, definition.type, name)
        if random.random() < 0.3:
            spoiled.arguments[name] = bad
            return
        good = [self.values.argument(random, definition.type, name, spoiled) for _ in range(ASKINGS - 1)]
        spoiled.arguments[name] = self._declared(
            str(definition.type), [bad, *(None if each is ... else each for each in good)]
        )
