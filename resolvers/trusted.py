"""Documents that are named instead of sent: automatic persisted queries, and trusted documents.

Apollo's protocol: a client sends a document's SHA-256 alone; who does not know it says so, and the client sends both.
A trusted document was told to the server before it started, under whatever id its build gave it; a server may be told
to accept nothing else.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from resolvers.documents import Lru, RequestError, refuse

if TYPE_CHECKING:
    from resolvers.engine import Request

PERSISTED_CHARACTERS_KEPT = 4_000_000
"""Of all documents that clients persisted, together."""
LEAST_CHARACTERS = 1_000
"""What any of them counts for at least, so that there are at most 4,000."""

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


class Texts:
    """Finds the text of the document that a request asks for."""

    def __init__(self, trusted: dict[str, str] | None = None, *, trusted_only: bool = False) -> None:
        self.trusted = {**(trusted or {}), **{hash_of(text): text for text in (trusted or {}).values()}}
        self.trusted_only = trusted_only
        self.allowed = frozenset(self.trusted.values())
        self.persisted: Lru[str] = Lru(PERSISTED_CHARACTERS_KEPT)

    def text_of(self, request: "Request") -> str:
        """The document's text, or `RequestError`."""
        text = request.query
        if text is None:
            text = self._named(request.document_id or request.sha256 or "")
        elif request.sha256 is not None and hash_of(text) != request.sha256:
            raise refuse("BAD_REQUEST", "provided sha does not match query")
        if self.trusted_only and text not in self.allowed:
            raise not_trusted()
        return text

    def _named(self, id_: str) -> str:
        text = self.trusted.get(id_) or self.persisted.get(id_)
        if text is None:
            raise not_trusted() if self.trusted_only else refuse(NOT_FOUND, "PersistedQueryNotFound")
        return text

    def persist(self, hash_: str, text: str) -> None:
        """Know a valid document by its hash from now on."""
        if hash_ not in self.trusted:
            self.persisted.put(hash_, text, max(len(text), LEAST_CHARACTERS))


def hash_of(text: str) -> str:
    """A document's SHA-256, as clients send it. JSON may carry half a surrogate pair, which has no UTF-8."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def not_trusted() -> RequestError:
    """The refusal of whatever is no trusted document."""
    return refuse("DOCUMENT_NOT_TRUSTED", "This server runs only the documents that it was started with.")
