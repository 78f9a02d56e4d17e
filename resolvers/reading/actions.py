"""`availableActions` as SQL: the lifecycle table, cut down to what the viewer may do, decided by the row's state."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, func, literal_column
from sqlalchemy.dialects.postgresql import array

from domain.lifecycle import Lifecycle
from domain.viewer import Scope, Viewer
from resolvers.reading.mapping import Row

Guards = Mapping[StrEnum, ColumnElement[bool]]


def available_actions(
    lifecycle: Lifecycle[Any, Any], scopes: Mapping[Any, Scope], row: Row, viewer: Viewer, guards: Guards
) -> ColumnElement[Any]:
    """A JSON list of the actions that the table allows in `row.status`, that `viewer` may do, and no guard forbids."""
    offered = []
    for action, scope in scopes.items():
        if viewer.may(scope):
            possible = row.c.status.in_([literal_column(f"'{state}'") for state in lifecycle.sources(action)])
            offered.append(
                case(
                    (
                        and_(possible, *([guards[action]] if action in guards else [])),
                        literal_column(f"'{action}'::text"),
                    )
                )
            )
    if not offered:
        return literal_column("'[]'::json")
    return func.to_json(func.array_remove(array[Any](offered, type_=Text()), literal_column("NULL", Text)))
