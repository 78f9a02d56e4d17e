"""Validation in slices: a few rules at a time, so that whoever waits beside a large document does not wait long.

The rules are graphql-core's but for one: its check of overlapping fields compares pairs, ours compares groups.
"""

import asyncio
from collections.abc import Sequence
from math import isfinite
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    GraphQLSchema,
    KnownArgumentNamesRule,
    KnownDirectivesRule,
    NoSchemaIntrospectionCustomRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    ProvidedRequiredArgumentsRule,
    UniqueArgumentNamesRule,
    UniqueDirectivesPerLocationRule,
    UniqueInputFieldNamesRule,
    ValuesOfCorrectTypeRule,
    VariablesInAllowedPositionRule,
    specified_rules,
    validate,
)

from resolvers.merging import conflicts

Rules = tuple[type[ASTValidationRule], ...]

SMALL = 600
"""Tokens of a document that takes all rules in one walk, as nearly all do: that is half the work of four walks."""
ERRORS_LIMIT = 20
VALUE_ERRORS = 3
"""Each of these spells out the whole value that it is about, which may be most of the document."""


class FiniteFloatsRule(ASTValidationRule):
    """Refuses numbers such as 1e400, which no float can hold: other rules let them pass, and coercion finds no value."""

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        """Look at one number."""
        if not isfinite(float(node.value)):
            self.report_error(GraphQLError(f"Float cannot represent {node.value}.", node))


VARIABLES: Rules = (NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule)
"""These share one long look at which variable is used where."""

ARGUMENTS: Rules = (
    KnownDirectivesRule,
    UniqueDirectivesPerLocationRule,
    KnownArgumentNamesRule,
    UniqueArgumentNamesRule,
    ProvidedRequiredArgumentsRule,
)

VALUES: Rules = (ValuesOfCorrectTypeRule, UniqueInputFieldNamesRule, FiniteFloatsRule)

SELECTIONS: Rules = tuple(
    rule
    for rule in specified_rules
    if rule not in {*VARIABLES, *ARGUMENTS, *VALUES} and rule is not OverlappingFieldsCanBeMergedRule
)


class Validation:
    """What makes a document valid. `hints`: tell misspelled names what they may have meant."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True, hints: bool = True) -> None:
        self.schema = schema
        self.hints = hints
        first = SELECTIONS if introspection else (*SELECTIONS, NoSchemaIntrospectionCustomRule)
        self.slices = (
            (first, ERRORS_LIMIT),
            (VARIABLES, ERRORS_LIMIT),
            (ARGUMENTS, ERRORS_LIMIT),
            (VALUES, VALUE_ERRORS),
        )
        self.at_once = (((*first, *VARIABLES, *ARGUMENTS, *VALUES), ERRORS_LIMIT),)

    async def errors(self, ast: DocumentNode, tokens: int) -> Sequence[GraphQLError]:
        """What is wrong, if anything."""
        found: list[GraphQLError] = []
        for rules, most in self.at_once if tokens <= SMALL else self.slices:
            found += validate(self.schema, ast, rules, most, not self.hints)
            if len(found) >= ERRORS_LIMIT:
                return found
            await asyncio.sleep(0)
        return found or conflicts(self.schema, ast)
