"""Payment providers: what every one of them promises, then what each does of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.adapters import payments
from domain.money import Money
from domain.payments import OutcomeStatus, PaymentOutcome, PaymentProvider, PaymentRequest

Deed = Callable[[PaymentRequest], Awaitable[PaymentOutcome]]


def request(key: str, **given: object) -> PaymentRequest:
    """A request for 90.00 BRL, unless told otherwise."""
    fields = {"order_number": "100001", "amount": Money(9_000, "BRL"), **given}
    return PaymentRequest(idempotency_key=key, **fields)  # type: ignore[arg-type]


@pytest.fixture(params=sorted(payments.PROVIDERS))
def provider(request: pytest.FixtureRequest) -> PaymentProvider:
    """Each provider in turn."""
    return payments.providers()[request.param]


@pytest.fixture
def test_provider() -> payments.TestProvider:
    """The provider that acts by its tokens."""
    return payments.TestProvider()


# -- what every provider promises -----------------------------------------------------------------------------------


async def authorized(provider: PaymentProvider, key: str = "authorize") -> str:
    outcome = await provider.authorize(request(key, token="tok_visa"))
    assert outcome.status is OutcomeStatus.APPROVED
    assert outcome.reference
    return outcome.reference


async def captured(provider: PaymentProvider) -> str:
    outcome = await provider.capture(request("capture", reference=await authorized(provider)))
    assert outcome.reference
    return outcome.reference


async def test_money_can_be_promised_taken_and_given_back(provider: PaymentProvider) -> None:
    promised = await authorized(provider)
    taken = await provider.capture(request("capture", reference=promised))
    assert taken.status is OutcomeStatus.APPROVED
    back = await provider.refund(request("refund", reference=taken.reference, amount=Money(1_000, "BRL")))
    assert (back.status, bool(back.reference)) == (OutcomeStatus.APPROVED, True)


async def test_a_promise_can_be_released(provider: PaymentProvider) -> None:
    outcome = await provider.void(request("void", reference=await authorized(provider)))
    assert outcome.status is OutcomeStatus.APPROVED


async def test_the_same_key_is_answered_with_the_same_outcome(provider: PaymentProvider) -> None:
    promised, taken = await authorized(provider), await captured(provider)
    deeds: list[tuple[Deed, PaymentRequest]] = [
        (provider.authorize, request("a", token="tok_visa")),
        (provider.capture, request("c", reference=promised)),
        (provider.void, request("v", reference=promised)),
        (provider.refund, request("r", reference=taken)),
    ]
    for deed, asked in deeds:
        assert await deed(asked) == await deed(asked)


async def test_the_answer_is_the_same_after_a_restart(provider: PaymentProvider) -> None:
    again = type(provider)()
    assert await authorized(provider) == await authorized(again)
    promised = await authorized(provider)
    assert (await again.capture(request("c", reference=promised))).status is OutcomeStatus.APPROVED


async def test_many_can_be_asked_at_once(provider: PaymentProvider) -> None:
    outcomes = await asyncio.gather(*(provider.authorize(request(str(n), token="tok_visa")) for n in range(50)))
    assert len({outcome.reference for outcome in outcomes}) == 50


# -- the test provider ----------------------------------------------------------------------------------------------


async def test_a_card_that_works_shows_its_last_digits(test_provider: payments.TestProvider) -> None:
    assert (await test_provider.authorize(request("1", token="tok_visa"))).last4 == "4242"


@pytest.mark.parametrize(
    ("token", "reason"),
    [("tok_declined", "card_declined"), ("tok_unheard_of", "no_such_token")],
)
async def test_a_card_that_does_not_work_says_why(
    test_provider: payments.TestProvider, token: str, reason: str
) -> None:
    outcome = await test_provider.authorize(request("1", token=token))
    assert (outcome.status, outcome.reason, outcome.reference) == (OutcomeStatus.DECLINED, reason, None)


async def test_without_a_token_it_says_what_came_of_it_and_nothing_where_it_does_not_know(
    test_provider: payments.TestProvider,
) -> None:
    with pytest.raises(TimeoutError):
        await test_provider.authorize(request("1"))
    done = await test_provider.authorize(request("1", token="tok_visa"))
    assert await test_provider.authorize(request("1")) == done


async def test_a_provider_that_hangs_is_given_up_by_whoever_waits(test_provider: payments.TestProvider) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await test_provider.authorize(request("1", token="tok_timeout"))
    assert not test_provider.answers


async def test_a_challenge_says_where_to_go_on(test_provider: payments.TestProvider) -> None:
    asked = request("1", token="tok_challenge")
    outcome = await test_provider.authorize(asked)
    assert outcome.status is OutcomeStatus.CHALLENGE
    assert outcome.redirect_url
    assert outcome.client_secret
    assert outcome.client_secret in outcome.redirect_url
    assert await test_provider.authorize(asked) == outcome


@pytest.mark.parametrize("key", ["the same", "another"])
async def test_a_challenge_that_was_passed_is_approved_under_either_key(
    test_provider: payments.TestProvider, key: str
) -> None:
    await test_provider.authorize(request("the same", token="tok_challenge"))
    passed = await test_provider.authorize(request(key, token="tok_challenge_passed"))
    assert (passed.status, passed.last4) == (OutcomeStatus.APPROVED, "4242")
    late = await test_provider.authorize(request(key, token="tok_challenge"))
    assert late == passed


async def test_a_key_acts_once_whatever_comes_under_it_later(test_provider: payments.TestProvider) -> None:
    first = await test_provider.authorize(request("1", token="tok_declined"))
    assert await test_provider.authorize(request("1", token="tok_visa")) == first


@pytest.mark.parametrize("reference", [None, "", "ch_123", "test_authorization_1_BRL_short", "manual_1"])
@pytest.mark.parametrize(
    ("deed", "noun"), [("capture", "authorization"), ("void", "authorization"), ("refund", "capture")]
)
async def test_what_it_does_not_know_it_declines(
    test_provider: payments.TestProvider, deed: str, noun: str, reference: str | None
) -> None:
    outcome = await getattr(test_provider, deed)(request("1", reference=reference))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.DECLINED, f"no_such_{noun}")


async def test_each_deed_follows_only_its_own_kind(test_provider: payments.TestProvider) -> None:
    promised, taken = await authorized(test_provider), await captured(test_provider)
    assert (await test_provider.refund(request("1", reference=promised))).reason == "no_such_capture"
    assert (await test_provider.capture(request("2", reference=taken))).reason == "no_such_authorization"
    assert (await test_provider.void(request("3", reference=taken))).reason == "no_such_authorization"


@pytest.mark.parametrize(
    ("amount", "reason"), [(Money(9_001, "BRL"), "amount_too_large"), (Money(9_000, "USD"), "wrong_currency")]
)
async def test_it_gives_no_more_than_was_promised_and_in_no_other_currency(
    test_provider: payments.TestProvider, amount: Money, reason: str
) -> None:
    outcome = await test_provider.capture(request("1", reference=await authorized(test_provider), amount=amount))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.DECLINED, reason)


async def test_its_memory_stays_small() -> None:
    test_provider = payments.TestProvider(answers_kept=3)
    first = await authorized(test_provider, "0")
    for number in range(1, 10):
        await authorized(test_provider, str(number))
    assert len(test_provider.answers) == 3
    assert await authorized(test_provider, "0") == first


# -- the manual provider --------------------------------------------------------------------------------------------


async def test_the_manual_provider_keeps_the_other_systems_reference() -> None:
    outcome = await payments.ManualProvider().authorize(request("1", reference="till-7-991"))
    assert (outcome.status, outcome.reference) == (OutcomeStatus.APPROVED, "till-7-991")


async def test_the_manual_provider_makes_a_reference_up_where_there_is_none() -> None:
    outcome = await payments.ManualProvider().authorize(request("1"))
    assert outcome.reference == "manual_1"
