"""What payloads consist of: what was touched, read by the same compiler as any query, and why not, as data."""

from typing import Any

import strawberry
from sqlalchemy import ARRAY, Uuid, any_

from resolvers.mutating import made
from resolvers.reading.mapping import EVERYONE, Many, One, reads


def one_made(subject: str, description: str) -> Any:
    """The object that the mutation touched; whoever made it may see it."""
    found = One(lambda _row, other, arguments: other.c.id == made(arguments, subject, Uuid()), EVERYONE)
    return reads(found, description, name=subject)


def all_made(subject: str, description: str) -> Any:
    """The objects that the mutation touched, in the order of their ids; at most 100."""
    found = Many(
        lambda _row, other, arguments: other.c.id == any_(made(arguments, subject, ARRAY(Uuid))),
        lambda other: [other.c.id],
        100,
        EVERYONE,
    )
    return reads(found, description, name=subject)


def errors() -> Any:
    """Why not."""
    return strawberry.field(description="Why it, or a part of it, was not done; empty when it was; at most 20.")


def fills_made() -> Any:
    """Who got what they waited for."""
    told = (
        "Orders that waited for what this made available, and have it now; null where it was refused; at most 100. "
        "Where very many wait, the rest is served a moment later."
    )
    return all_made("backordersFilled", told)
