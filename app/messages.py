"""`ordergraph message …`: see what customers are told, and try it."""

from dataclasses import dataclass

from app.crew import post_of
from app.database import running_database
from app.failure import Failure
from app.graph import open_engine
from app.settings import Settings
from app.terminal import out
from domain import ids
from domain.ids import new_id
from domain.messages import CAUSE_OF, MessageKind, MessageMedium, NotNow, Undeliverable
from domain.store import messages as stored
from resolvers.messages import Post, first, letter, unsubscribe_url, worded
from resolvers.wording import Unwordable, Words


class MessageError(Failure):
    """The message cannot be written or sent; what is said tells why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which message, about which order, how."""

    kind: MessageKind
    number: str
    medium: MessageMedium = MessageMedium.EMAIL
    locale: str | None = None


async def preview(settings: Settings, wish: Wish, *, html: bool) -> None:
    """Print a message about an order as it is now."""
    async with running_database(settings) as url:
        settings = settings.model_copy(update={"database_url": url})
        async with open_engine(settings) as (engine, _):
            words, _ = await _written(post_of(engine, settings), wish)
    if html and words.html is None:
        raise MessageError(f"{wish.kind} has no HTML in {words.locale}")
    out.out(words.html if html else f"Subject: {words.subject}\n\n{words.text}", highlight=False)


async def send(settings: Settings, wish: Wish, to: str) -> None:
    """Send a message about an order to whoever tries the templates. It goes on no record."""
    async with running_database(settings) as url:
        settings = settings.model_copy(update={"database_url": url})
        async with open_engine(settings) as (engine, _):
            post = post_of(engine, settings)
            if wish.medium not in post.gateways:
                raise MessageError(f"nothing carries {wish.medium}: set {SETTING[wish.medium]}")
            words, leave = await _written(post, wish)
            try:
                answer = await post.gateways[wish.medium].send(letter(new_id(), to, words, leave))
            except (Undeliverable, NotNow) as error:
                raise MessageError(f"it was not sent: {error}") from error
    out.out(f"Sent to {to}: {answer}", highlight=False)


SETTING = {MessageMedium.EMAIL: "MAIL_URL", MessageMedium.SMS: "SMS_URL", MessageMedium.PUSH: "PUSH_URL"}


async def _written(post: Post, wish: Wish) -> tuple[Words, str | None]:
    """The words, and the link by which its topic is left."""
    cause_type = CAUSE_OF[wish.kind]
    async with post.engine.database.reads.acquire() as connection:
        found = await stored.sample(connection, wish.number, cause_type)
    if found is None:
        raise MessageError(f"there is no order {wish.number}")
    if found.cause_id is None:
        raise MessageError(f"order {wish.number} has no {cause_type} that {wish.kind} could be about")
    about = ids.encode("Order", found.order_id), ids.encode(cause_type, found.cause_id)
    leave = unsubscribe_url(post, wish.kind, wish.medium, new_id())  # whoever tries it must not leave for the customer
    locale = wish.locale or first(found.locales)
    try:
        return await worded(post, (wish.kind, wish.medium), found.sender, about, locale, leave), leave
    except Unwordable as error:
        raise MessageError(str(error)) from error
