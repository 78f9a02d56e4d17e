"""The payment providers that need no contract with anybody.

`test` acts out what a real one may do, chosen by the token; `manual` records what happened elsewhere, such as at a till.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.payments import OutcomeStatus, PaymentKind, PaymentOutcome, PaymentProvider, PaymentRequest

HANG_SECONDS = 3_600.0
"""Longer than any caller waits."""

ANSWERS_KEPT = 10_000
"""Outcomes follow from the request alone, so one forgotten is one that would be given again."""

CHALLENGE_PAGE = "https://payments.test/challenge"


def _approved(kind: PaymentKind, request: PaymentRequest) -> PaymentOutcome:
    return PaymentOutcome(OutcomeStatus.APPROVED, reference=reference_of(kind, request))


def _declined(reason: str) -> PaymentOutcome:
    return PaymentOutcome(OutcomeStatus.DECLINED, reason=reason)


def reference_of(kind: PaymentKind, request: PaymentRequest) -> str:
    """The test provider's name for a deed: it says what was done and for how much, so that no memory is needed.

    A process that has just started can capture what another one authorized.
    """
    digest = hashlib.sha256(f"{kind}:{request.idempotency_key}".encode()).hexdigest()[:16]
    return f"test_{kind.lower()}_{request.amount.minor}_{request.amount.currency}_{digest}"


REFERENCE = re.compile(r"test_(?P<kind>[a-z]+)_(?P<minor>[0-9]+)_(?P<currency>[A-Z]{3})_[0-9a-f]{16}")


class TestProvider:
    """Does what the token says: `tok_visa` is approved, `tok_declined` declined, `tok_timeout` never answered.

    `tok_challenge` sends the buyer to prove themselves; asking again with `tok_challenge_passed` goes on from there.
    """

    def __init__(self, answers_kept: int = ANSWERS_KEPT) -> None:
        self.answers_kept = answers_kept
        self.answers: dict[str, PaymentOutcome] = {}

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Have the buyer's bank promise the amount, or not, as the token says."""
        if request.token == "tok_timeout":  # noqa: S105 - the buyer's, not ours
            await asyncio.sleep(HANG_SECONDS)
            raise TimeoutError
        known = self.answers.get(request.idempotency_key)
        if known and not self._goes_on(known, request):
            return known
        if request.token is None:
            raise TimeoutError  # another process may have been asked: this one does not remember
        return self._answer(request, self._authorized(request))

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Take money from one of our authorizations."""
        return self._follow_up(PaymentKind.CAPTURE, PaymentKind.AUTHORIZATION, request)

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Release what is left of one of our authorizations."""
        return self._follow_up(PaymentKind.VOID, PaymentKind.AUTHORIZATION, request)

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Give money back from one of our captures."""
        return self._follow_up(PaymentKind.REFUND, PaymentKind.CAPTURE, request)

    def _authorized(self, request: PaymentRequest) -> PaymentOutcome:
        match request.token:
            case "tok_visa" | "tok_challenge_passed":
                return replace(_approved(PaymentKind.AUTHORIZATION, request), last4="4242")
            case "tok_challenge":
                return _challenged(request)
            case "tok_declined":
                return _declined("card_declined")
            case _:
                return _declined("no_such_token")

    def _goes_on(self, known: PaymentOutcome, request: PaymentRequest) -> bool:
        """A challenge is a question, no outcome: the same key may bring its answer."""
        return known.status is OutcomeStatus.CHALLENGE and request.token == "tok_challenge_passed"  # noqa: S105

    def _follow_up(self, kind: PaymentKind, earlier: PaymentKind, request: PaymentRequest) -> PaymentOutcome:
        known = self.answers.get(request.idempotency_key)
        if known:
            return known
        refusal = _misfit(earlier, request)
        return self._answer(request, _declined(refusal) if refusal else _approved(kind, request))

    def _answer(self, request: PaymentRequest, outcome: PaymentOutcome) -> PaymentOutcome:
        self.answers[request.idempotency_key] = outcome
        if len(self.answers) > self.answers_kept:
            del self.answers[next(iter(self.answers))]
        return outcome


def _challenged(request: PaymentRequest) -> PaymentOutcome:
    secret = hashlib.sha256(f"challenge:{request.idempotency_key}".encode()).hexdigest()[:24]
    return PaymentOutcome(
        OutcomeStatus.CHALLENGE,
        reference=reference_of(PaymentKind.AUTHORIZATION, request),
        redirect_url=f"{CHALLENGE_PAGE}/{secret}",
        client_secret=secret,
    )


def _misfit(earlier: PaymentKind, request: PaymentRequest) -> str | None:
    """Why `reference` cannot be built on; None when it can. What is left of it is the caller's book-keeping."""
    found = REFERENCE.fullmatch(request.reference or "")
    if not found or found["kind"] != earlier.lower():
        return f"no_such_{earlier.lower()}"
    if found["currency"] != request.amount.currency:
        return "wrong_currency"
    return "amount_too_large" if request.amount.minor > int(found["minor"]) else None


class ManualProvider:
    """Records what happened elsewhere: there is nobody to ask, so everything is as the caller says."""

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Somebody holds the promise."""
        return self._recorded(request)

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Somebody took the money."""
        return self._recorded(request)

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Somebody let the promise go."""
        return self._recorded(request)

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Somebody gave the money back."""
        return self._recorded(request)

    def _recorded(self, request: PaymentRequest) -> PaymentOutcome:
        """The other system's reference where the caller has one, else one of our own."""
        return PaymentOutcome(
            OutcomeStatus.APPROVED, reference=request.reference or f"manual_{request.idempotency_key}"
        )


def providers() -> Mapping[str, PaymentProvider]:
    """A fresh provider of each kind, by the short name that clients and entries use."""
    return MappingProxyType({"manual": ManualProvider(), "test": TestProvider()})


PROVIDERS: Mapping[str, PaymentProvider] = providers()
"""The providers of this process."""
