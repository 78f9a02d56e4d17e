"""Signed tokens: what goes in comes out, and nothing that we did not sign gets in."""

import base64
import json
import time
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import tokens
from app.tokens import KINDS, ExpiredToken, InvalidToken, sign, verify
from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind

SECRET = "a secret that is long enough for HS256"
OTHER = "another secret, also long enough for it"
SOMEBODY = UUID(int=7)

GOOD = {"sub": "agent:anna", "role": "AGENT", "name": "Anna", "exp": 4_000_000_000}


def agent(**changes: object) -> Viewer:
    facts: dict[str, object] = {"scopes": SCOPES[Role.AGENT]} | changes
    return Viewer(ViewerKind.STAFF, Role.AGENT, "agent:anna", "Anna", **facts)  # type: ignore[arg-type]


def signed(**changes: object) -> str:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return jwt.encode(claims, SECRET, "HS256")


def unsigned(header: dict[str, str], claims: dict[str, object]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


viewers = st.builds(
    lambda role, extra, name, customer, order, channels, locations: Viewer(
        KINDS[role], role, f"{role}:{name}", name, SCOPES[role] | extra, customer, order, channels, locations
    ),
    st.sampled_from(Role),
    st.frozensets(st.sampled_from(Scope)),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=50),
    st.none() | st.uuids(),
    st.none() | st.uuids(),
    st.lists(st.uuids(), max_size=3).map(tuple),
    st.lists(st.uuids(), max_size=3).map(tuple),
)


@given(viewers)
def test_a_token_says_exactly_who_it_was_made_for(viewer: Viewer) -> None:
    token = sign(viewer, SECRET, 60)
    assert verify(token, SECRET) == viewer
    assert verify(token, SECRET) is verify(token, SECRET)


def test_a_role_brings_its_scopes_without_the_token_listing_them() -> None:
    assert verify(signed(), SECRET).scopes == SCOPES[Role.AGENT]


def test_an_app_has_only_what_its_token_lists() -> None:
    assert verify(signed(role="APP"), SECRET).scopes == frozenset()
    assert verify(signed(role="APP", scopes=["orders:read"]), SECRET).scopes == {Scope.ORDERS_READ}


def test_extra_scopes_come_on_top() -> None:
    viewer = verify(signed(extra=["history:write"]), SECRET)
    assert viewer.scopes == SCOPES[Role.AGENT] | {Scope.HISTORY_WRITE}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "é" * 20,
        "x" * 100_000,
        signed()[:-2],
        jwt.encode(GOOD, OTHER, "HS256"),
        jwt.encode(GOOD, SECRET * 2, "HS512"),
        unsigned({"alg": "none", "typ": "JWT"}, GOOD),
        unsigned({"alg": "None", "typ": "JWT"}, GOOD),
        signed(exp=...),
        signed(sub=...),
        signed(role=...),
        signed(role="EMPEROR"),
        signed(role=["AGENT"]),
        signed(sub=""),
        signed(sub=5),
        signed(name=5),
        signed(exp="tomorrow"),
        signed(customer="not an id"),
        signed(customer=5),
        signed(locations=["not an id"]),
        signed(locations=5),
        signed(extra=["orders:steal"]),
        signed(extra=5),
        signed(nbf=3_900_000_000),
    ],
)
def test_what_we_did_not_sign_or_cannot_understand_is_invalid(token: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidToken) as caught:
            verify(token, SECRET)
        assert not isinstance(caught.value, ExpiredToken)


def test_a_tampered_claim_breaks_the_signature() -> None:
    header, _, signature = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(GOOD | {"role": "OPERATIONS"}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken, match="not signed by this system"):
        verify(f"{header}.{body}.{signature}", SECRET)


def test_an_expired_token_says_so() -> None:
    with pytest.raises(ExpiredToken):
        verify(sign(agent(), SECRET, -1), SECRET)


def test_a_token_that_was_seen_before_expires_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    token = sign(agent(), SECRET, 60)
    verify(token, SECRET)
    late = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: late)
    with pytest.raises(ExpiredToken):
        verify(token, SECRET)


def test_a_token_seen_under_one_secret_is_worth_nothing_under_another() -> None:
    token = sign(agent(), SECRET, 60)
    verify(token, SECRET)
    with pytest.raises(InvalidToken):
        verify(token, OTHER)


def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "KEPT_TOKENS", 5)
    tokens._seen.clear()
    made = [sign(agent(customer_id=UUID(int=number)), SECRET, 60) for number in range(8)]
    for token in made:
        verify(token, SECRET)
    assert len(tokens._seen) == 5
    assert verify(made[0], SECRET).customer_id == UUID(int=0)


def test_a_known_token_costs_about_a_microsecond() -> None:
    token = sign(agent(), SECRET, 60)
    verify(token, SECRET)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(1000):
            verify(token, SECRET)
        times.append(time.perf_counter() - started)
    assert min(times) / 1000 < 5e-6


def test_anonymous_has_no_token() -> None:
    with pytest.raises(ValueError, match="no token"):
        sign(Viewer(ViewerKind.ANONYMOUS, None, "anonymous", "Anonymous"), SECRET, 60)
