"""A change that may break a client is refused until the changelog names it."""

import pytest
from graphql import GraphQLSchema, build_schema

from tests.promise import unannounced

PROMISED = """
    directive @hidden(why: String) on FIELD
    interface Node { id: ID! }
    type Order implements Node { id: ID! total(in: Currency, round: Boolean): Int! number: String! }
    type Refund { id: ID! }
    union Subject = Order | Refund
    enum Currency { BRL JPY }
    input Wish { sku: String! note: String }
    scalar Weight
    type Query { node(id: ID!): Node subject: Subject order(wish: Wish): Order weight: Weight }
"""
CHANGES = {
    "Order.number": ("number: String!", ""),
    "Order.total": ("): Int!", "): Int"),
    "Order.total(round:)": (", round: Boolean", ""),
    "Query.order(by:)": ("order(wish: Wish)", "order(wish: Wish, by: String!)"),
    "Query.node(id:)": ("node(id: ID!)", "node(id: String!)"),
    "Wish.quantity": ("note: String", "note: String quantity: Int!"),
    "Currency.JPY": ("BRL JPY", "BRL"),
    "Order": ("Order implements Node", "Order"),
    "Subject": ("= Order | Refund", "= Order"),
    "Weight": ("scalar Weight", "type Weight { grams: Int! }"),
    "@hidden(why:)": ("@hidden(why: String)", "@hidden"),
}


def changed(before: str, after: str) -> GraphQLSchema:
    """The promised schema with one change."""
    assert before in PROMISED
    return build_schema(PROMISED.replace(before, after), assume_valid=True)


def changelog(unreleased: str, released: str = "") -> str:
    """A changelog that says something of what is to come, and something of what came."""
    return f"# Changelog\n\n## [Unreleased]\n\n### Changed\n\n{unreleased}\n\n## [0.1.0]\n\n{released}\n"


@pytest.mark.parametrize("coordinate", CHANGES)
def test_a_breaking_change_is_refused_until_it_is_announced(coordinate: str) -> None:
    promised, now = build_schema(PROMISED), changed(*CHANGES[coordinate])

    (refusal,) = unannounced(promised, now, changelog("- Something else."))

    assert f"write `{coordinate}` under Unreleased" in refusal
    assert unannounced(promised, now, changelog(f"- `{coordinate}` is not what it was.")) == []


def test_what_an_earlier_release_announced_counts_no_more() -> None:
    now = changed(*CHANGES["Order.number"])
    assert unannounced(build_schema(PROMISED), now, changelog("- Nothing.", released="- `Order.number` is gone."))


def test_a_longer_name_announces_nothing() -> None:
    now = changed(*CHANGES["Order.number"])
    assert unannounced(build_schema(PROMISED), now, changelog("- `Order.numbers` and `Order.number(x:)` are gone."))


def test_what_breaks_nobody_needs_no_word() -> None:
    now = changed("number: String!", "number: String! paidAt: String")
    assert unannounced(build_schema(PROMISED), now, "") == []
