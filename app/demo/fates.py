"""What becomes of the demo's orders: a table of fates, and how many orders share each."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from app.demo.goods import CURRENCIES, RARE, VARIANTS, Variant
from app.demo.people import BRAZILIANS, Person, people
from app.demo.shop import Shop
from app.demo.story import Story

Life = Callable[[Story], Awaitable[None]]

DAY = 24.0
IN_JAPAN = 0.22
"""The part of the orders that come from Japan."""
BY_PHONE = 0.2
"""The part of Brazil's orders that the call centre takes."""
PAID_AT_ONCE = 0.3
DRAFTED_FIRST = 0.5
LONG_AGO = datetime(2018, 5, 2, tzinfo=UTC)
"""The day before it is in the history that came along: what other rules would have made of it can be asked."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How a story goes on once it has begun, between `hours[0]` and `hours[1]` hours ago."""

    count: int
    hours: tuple[float, float]
    life: Life
    begin: Life
    lines: int = 3
    """At most so many lines."""
    units: int = 1
    """At least so many units of each."""
    country: str | None = None
    before: datetime | None = None
    """The hours are told from this moment back; from the present, where none is given."""


# -- how orders begin ----------------------------------------------------------------------------------------------


async def drafted(story: Story) -> None:
    """A draft and no more."""
    await story.begin_draft()


async def bought(story: Story) -> None:
    """Placed with a promise of the bank, or paid at once; by phone often a draft before."""
    if story.channel == "call-center" and story.draw.random() < DRAFTED_FIRST:
        await story.begin_draft()
    at_once = story.draw.random() < PAID_AT_ONCE
    await story.place(**(story.transferred() if at_once else story.promised()))


async def promised(story: Story) -> None:
    """Placed with a promise of the bank."""
    await story.place(**story.promised())


async def transferred(story: Story) -> None:
    """Placed and paid at once."""
    await story.place(**story.transferred())


async def unpaid(story: Story) -> None:
    """Placed, to be paid later."""
    await story.place()


def by_card(token: str) -> Life:
    """Placed with a card of the test provider, which does what its token says."""

    async def place(story: Story) -> None:
        await story.place(paymentMethod={"provider": "test", "token": token})

    return place


# -- how far they come ---------------------------------------------------------------------------------------------


async def waits(_story: Story) -> None:
    """Nobody has done anything yet."""


async def confirmed(story: Story) -> None:
    """Accepted, and offered to its locations."""
    await story.confirm()


async def accepted(story: Story) -> None:
    """Every location has taken its work on."""
    await confirmed(story)
    for work in story.work:
        await story.accept(work)


async def picking(story: Story) -> None:
    """Off the shelves."""
    await accepted(story)
    for work in story.work:
        await story.pick(work)


async def packed(story: Story) -> None:
    """In parcels."""
    await picking(story)
    for work in story.work:
        await story.pack(work)


async def labeled(story: Story) -> None:
    """Paid and labeled, waiting for the carrier."""
    await picking(story)
    for work in story.work:
        parcels = await story.pack(work)
        await story.ship(work, parcels)
    await story.capture()


async def unlabeled(story: Story) -> None:
    """Out of stock, but without the carrier's numbers."""
    await packed(story)
    for work in story.work:
        await story.ship(work)
    await story.capture()


async def handed_over(story: Story) -> None:
    """The carrier has it."""
    await labeled(story)
    await story.hand_over()


async def in_transit(story: Story) -> None:
    """Seen on its way; the carrier's word tells that it was handed over."""
    await labeled(story)
    await story.say("PICKED_UP", 5, "collected from the sender", on_the_way=True)
    await story.say("IN_TRANSIT", 16, "sorted at the hub", on_the_way=True)


async def out_for_delivery(story: Story) -> None:
    """On the last vehicle."""
    await in_transit(story)
    await story.say("OUT_FOR_DELIVERY", 30, "out for delivery")


async def delivered(story: Story) -> None:
    """The recipient has it."""
    await out_for_delivery(story)
    await story.say("DELIVERED", 5, "delivered to the recipient")


async def delivered_unwatched(story: Story) -> None:
    """Delivered by a carrier that says little."""
    await handed_over(story)
    await story.deliver()


async def delivered_at_second_try(story: Story) -> None:
    """Nobody was at home at first."""
    await out_for_delivery(story)
    await story.say("ATTEMPTED", 4, "nobody at home")
    await story.say("DELIVERED", 22, "delivered to a neighbour")


async def delayed(story: Story) -> None:
    """Something went wrong on the way."""
    await in_transit(story)
    await story.say("EXCEPTION", 20, "road closed by a landslide", on_the_way=True)


async def sent_back(story: Story) -> None:
    """Could not be delivered."""
    await out_for_delivery(story)
    await story.say("ATTEMPTED", 5, "address not found")
    await story.say("RETURNED", 70, "returned to the sender", on_the_way=True)


# -- what gets in the way ------------------------------------------------------------------------------------------


async def held_for_fraud(story: Story) -> None:
    """Somebody should look before it is accepted."""
    await story.hold("FRAUD", "Card and address are in different countries")


async def held_for_its_address(story: Story) -> None:
    """Accepted, but the address may be wrong."""
    await confirmed(story)
    await story.hold("ADDRESS", "The street has no such number")


async def held_twice(story: Story) -> None:
    """Two reasons not to go on."""
    await held_for_its_address(story)
    await story.hold("CUSTOMER", "Asked us to wait for the weekend")


async def held_for_a_while(story: Story) -> None:
    """A hold that was taken off again."""
    hold = await story.hold("MANUAL", "First order of this size")
    await story.release(hold)
    await delivered(story)


def only_first_work(story: Story) -> None:
    """An order of one line began as one work; what more there is was split off before the load was broken off."""
    story.work = story.work[:1]


async def found_short(story: Story) -> None:
    """A unit was broken on the shelf: it came from elsewhere."""
    only_first_work(story)
    await accepted(story)
    work = story.work[0]
    units = story.lines[0]["quantity"]
    line = {"fulfillmentOrderLineId": work.lines[0], "picked": units - 1, "short": 1, "shortReason": "DAMAGED"}
    story.work += await story.pick(work, lines=[line])


async def sent_in_parts(story: Story) -> None:
    """One parcel left at once, the other is still here."""
    only_first_work(story)
    await picking(story)
    work, units = story.work[0], story.lines[0]["quantity"]
    parcels = [{"lines": [{"fulfillmentOrderLineId": work.lines[0], "quantity": part}]} for part in (1, units - 1)]
    packages = await story.pack(work, parcels)
    rest = await story.ship(work, packages[:1])
    story.work += [each for each in rest if each.id != work.id]
    await story.capture()


async def delivered_in_parts(story: Story) -> None:
    """Both parcels arrived, one after the other."""
    await sent_in_parts(story)
    await story.ship(story.work[1])
    await story.deliver()


# -- what is called off, and money that goes back -------------------------------------------------------------------


async def canceled_by_buyer(story: Story) -> None:
    """The buyer changed their mind before anybody began."""
    await story.cancel("CUSTOMER_REQUEST", story.buyer)


async def canceled_by_staff(story: Story) -> None:
    """Accepted and then called off; what was paid went back."""
    await confirmed(story)
    await story.cancel("MERCHANT", hours=20, refund={"destination": "ORIGINAL_PAYMENT"})


async def canceled_unpaid(story: Story) -> None:
    """The money never came."""
    await story.cancel("PAYMENT_FAILED", hours=40)


async def canceled_in_part(story: Story) -> None:
    """A unit was called off, the rest goes on."""
    await confirmed(story)
    await story.cancel("CUSTOMER_REQUEST", hours=1, lines=story.some(1))


async def delivered_in_part(story: Story) -> None:
    """A unit was called off before, and its money is back."""
    await story.cancel("OUT_OF_STOCK", hours=1, lines=story.some(1), refund={"destination": "ORIGINAL_PAYMENT"})
    await delivered(story)


async def owed_to_the_buyer(story: Story) -> None:
    """A unit was called off after it was paid, and nobody has given the money back."""
    await story.cancel("OUT_OF_STOCK", hours=1, lines=story.some(1))
    await delivered(story)


async def paid_in_part(story: Story) -> None:
    """Some of the promise was taken."""
    await confirmed(story)
    await story.capture(story.total_minor // 2)


async def consoled(story: Story) -> None:
    """Late, and some money went back for it."""
    await delivered_at_second_try(story)
    await story.refund(story.total_minor // 10, "GOODWILL", "Came two days late")


async def voided(story: Story) -> None:
    """The promise was released; the buyer will pay otherwise."""
    told = {"orderId": story.order_id, "occurredAt": story.later(2)}
    await story.do(story.shop.till, "paymentVoid", **told)


# -- what comes back -----------------------------------------------------------------------------------------------


async def return_asked(story: Story) -> None:
    """The customer wants to send something back."""
    await delivered(story)
    await story.ask_back("DOES_NOT_FIT")


async def return_approved(story: Story) -> None:
    """They may."""
    await return_asked(story)
    await story.approve()


async def return_declined(story: Story) -> None:
    """They may not."""
    await return_asked(story)
    await story.decline("The seal was broken")


async def return_half_here(story: Story) -> None:
    """Some of it arrived."""
    await return_approved(story)
    await story.receive(1)


async def return_here(story: Story) -> None:
    """All of it arrived; nobody has looked."""
    await return_approved(story)
    await story.receive()


async def returned(story: Story) -> None:
    """Looked at, put back for sale, refunded and closed."""
    await return_here(story)
    await story.inspect("LIKE_NEW", "RESTOCK")
    await story.settle()


async def returned_broken(story: Story) -> None:
    """Looked at and set aside."""
    await return_here(story)
    await story.inspect("DAMAGED", "DAMAGED")
    await story.settle()


async def returned_at_the_counter(story: Story) -> None:
    """Brought to a shop: received, inspected and refunded in one call."""
    await delivered(story)
    store = "SHINJUKU" if story.person.country == "JP" else "PAULISTA"
    await story.bring_back(store, "ORIGINAL_PAYMENT" if story.number % 2 else "MANUAL")


FATES: tuple[Fate, ...] = (
    Fate(8, (1, 9 * DAY), waits, drafted),
    Fate(14, (0.2, 18), waits, bought),
    Fate(4, (0.1, 2), waits, unpaid),
    Fate(5, (0.1, 1), waits, by_card("tok_visa")),
    Fate(4, (0.1, 1), waits, by_card("tok_declined")),
    Fate(2, (0.1, 0.5), waits, by_card("tok_challenge")),
    Fate(2, (4, 20), voided, promised),
    Fate(5, (2, 30), held_for_fraud, bought),
    Fate(18, (3, 24), confirmed, bought),
    Fate(5, (6, 48), held_for_its_address, bought),
    Fate(2, (8, 48), held_twice, bought),
    Fate(4, (8, 30), paid_in_part, promised),
    Fate(9, (8, 30), accepted, bought),
    Fate(8, (10, 36), picking, bought),
    Fate(8, (12, 40), packed, bought),
    Fate(4, (14, 40), found_short, bought, lines=1, units=2),
    Fate(4, (20, 60), sent_in_parts, bought, lines=1, units=2),
    Fate(3, (16, 48), unlabeled, bought),
    Fate(6, (16, 48), labeled, bought),
    Fate(7, (24, 60), handed_over, bought),
    Fate(14, (2 * DAY, 4 * DAY), in_transit, bought),
    Fate(2, (4 * DAY, 6 * DAY), delayed, bought),
    Fate(8, (4 * DAY, 6 * DAY), out_for_delivery, bought),
    Fate(62, (6 * DAY, 60 * DAY), delivered, bought),
    Fate(12, (8 * DAY, 60 * DAY), delivered_unwatched, bought),
    Fate(6, (8 * DAY, 60 * DAY), delivered_at_second_try, bought),
    Fate(4, (8 * DAY, 60 * DAY), held_for_a_while, bought),
    Fate(4, (9 * DAY, 60 * DAY), delivered_in_parts, bought, lines=1, units=2),
    Fate(2, (12 * DAY, 40 * DAY), sent_back, bought),
    Fate(8, (5, 50 * DAY), canceled_by_buyer, bought),
    Fate(4, (3 * DAY, 50 * DAY), canceled_by_staff, transferred),
    Fate(4, (4 * DAY, 50 * DAY), canceled_unpaid, unpaid),
    Fate(3, (8, 24), canceled_in_part, bought, units=2),
    Fate(4, (7 * DAY, 50 * DAY), delivered_in_part, transferred, units=2),
    Fate(3, (7 * DAY, 20 * DAY), owed_to_the_buyer, transferred, units=2),
    Fate(5, (9 * DAY, 50 * DAY), consoled, bought),
    Fate(6, (10 * DAY, 16 * DAY), return_asked, bought),
    Fate(5, (12 * DAY, 20 * DAY), return_approved, bought),
    Fate(3, (12 * DAY, 50 * DAY), return_declined, bought),
    Fate(3, (15 * DAY, 24 * DAY), return_half_here, bought, units=2),
    Fate(3, (15 * DAY, 22 * DAY), return_here, bought),
    Fate(9, (18 * DAY, 60 * DAY), returned, bought),
    Fate(3, (18 * DAY, 60 * DAY), returned_broken, bought),
    Fate(4, (12 * DAY, 60 * DAY), returned_at_the_counter, bought, country="BR"),
    Fate(3, (12 * DAY, 60 * DAY), returned_at_the_counter, bought, country="JP"),
    Fate(6, (1, 23), delivered, bought, country="BR", before=LONG_AGO),
)

ORDERS = sum(fate.count for fate in FATES)


def stories(shop: Shop, now: datetime) -> list[tuple[Story, Fate]]:
    """Every story with its fate, in the order in which they begin: the same in every demo that has the same `now`."""
    everybody = people()
    told = [(_story(number, fate, everybody, shop, now), fate) for number, fate in _numbered()]
    return sorted(told, key=lambda each: each[0].at)


def _numbered() -> Iterator[tuple[int, Fate]]:
    number = 0
    for fate in FATES:
        for _ in range(fate.count):
            number += 1
            yield number, fate


def _story(number: int, fate: Fate, everybody: tuple[Person, ...], shop: Shop, now: datetime) -> Story:
    draw = Random(f"story {number}")  # noqa: S311 - a demo, not a secret
    person = _buyer(draw, fate.country, everybody)
    channel = _channel(draw, person)
    begun = (fate.before or now) - timedelta(hours=draw.uniform(*fate.hours))
    goods = _goods(draw, fate)
    return Story(number, person, channel, CURRENCIES[channel], goods, begun, now, shop, draw)


def _buyer(draw: Random, country: str | None, everybody: tuple[Person, ...]) -> Person:
    """Some buy again and again, most once or twice."""
    country = country or ("JP" if draw.random() < IN_JAPAN else "BR")
    there = everybody[:BRAZILIANS] if country == "BR" else everybody[BRAZILIANS:]
    weights = [1 / (rank + 2) ** 0.8 for rank in range(len(there))]
    return draw.choices(there, weights)[0]


def _channel(draw: Random, person: Person) -> str:
    if person.country == "JP":
        return "web-jp"
    return "call-center" if draw.random() < BY_PHONE else "web"


def _goods(draw: Random, fate: Fate) -> list[tuple[Variant, int]]:
    sold = [variant for variant in VARIANTS if variant is not RARE]
    chosen = draw.sample(sold, draw.randint(1, fate.lines))
    return [(variant, fate.units + draw.choice((0, 0, 0, 1, 2))) for variant in chosen]
