"""Customers: the words about who buys, and what staff note about them."""

from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.model import CustomerNote, Decided
from domain.refusals import InvalidInput
from domain.words import Word


class CustomerKind(Word):
    """How well we know a customer."""

    REGISTERED = "REGISTERED", "Signs in, and sees all of their orders."
    GUEST = "GUEST", "Known by e-mail from orders placed without signing in."
    MERGED = "MERGED", "Was a duplicate; its orders moved to the surviving customer."
    ERASED = "ERASED", "Personal data was erased on request; the figures stay."


def noted(customer_id: UUID, body: str, act: Act, *, pinned: bool) -> Decided:
    """A note about a customer. Its words stay out of the log: what is erased of a customer must not live on there."""
    if not body.strip():
        raise InvalidInput("a note says something", field=("body",))

    note = CustomerNote(new_id(), customer_id, body.strip(), pinned, act.actor_kind, act.actor_name, act.at)
    told = Event(
        EventType.CUSTOMER_NOTE_ADDED,
        "CustomerNote",
        note.id,
        "A note was added.",
        data={"pinned": pinned},
        customer_id=customer_id,
        sequence=1,
    )
    return Decided(records=(note,), events=(told,))
