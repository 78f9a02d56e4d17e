"""What becomes of a document: both executors agree, it is left or refused, or there is a difference."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from structlog.testing import capture_logs

from resolvers.documents import RequestError
from tests.fuzz.tree import Tree
from tests.referee import Referee

LEAST_COMPILED = 0.9

NEVER = "INTERNAL_SERVER_ERROR"


class Verdict(Enum):
    """What became of one asking."""

    COMPILED = auto()
    LEFT = auto()
    """to the ordinary executor, because a value makes no sense"""
    REFUSED = auto()
    """by validation or coercion, before any executor"""
    DIFFERENT = auto()


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict, and what speaks for it."""

    verdict: Verdict
    told: str = ""


@dataclass(slots=True)
class Tally:
    """What became of many documents; each counts by its first asking."""

    documents: int = 0
    compiled: int = 0
    refused: int = 0
    invalid: int = 0
    askings: int = 0
    differences: list[str] = field(default_factory=list)

    def count(self, found: "list[Found]") -> None:
        """One document by what became of its askings; one that was refused is none of those that count."""
        first = found[0]
        refused = first.verdict is Verdict.REFUSED
        self.refused += refused
        self.invalid += refused and "GRAPHQL_VALIDATION_FAILED" in first.told
        self.documents += not refused
        self.compiled += first.verdict is Verdict.COMPILED
        self.askings += len(found)

    def add(self, other: "Tally") -> None:
        """Count another's too."""
        for name in ("documents", "compiled", "refused", "invalid", "askings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences += other.differences

    @property
    def sound(self) -> bool:
        """Whether nothing differed and nearly everything ran compiled."""
        return not self.differences and self.compiled >= LEAST_COMPILED * self.documents

    def __str__(self) -> str:
        """One line."""
        share = self.compiled / self.documents if self.documents else 1
        return (
            f"{self.documents} documents, {self.askings} askings, {share:.1%} compiled, {self.refused} more refused "
            f"({self.invalid} as invalid), {len(self.differences)} differences"
        )


async def judged(referee: Referee, tree: Tree, asking: int, role: str) -> Found:
    """What both executors say to one asking."""
    text, viewer = str(tree), referee.viewers[role]
    try:
        variables = tree.given(asking)
        with capture_logs():  # which prints every local variable of an error, in every step of making it smaller
            compiled = await referee.compiled(text, viewer, variables)
            ordinary = await referee.ordinary(text, viewer, variables)
    except RequestError as refusal:
        codes = {(error.extensions or {}).get("code") for error in refusal.errors}
        return Found(Verdict.DIFFERENT if NEVER in codes else Verdict.REFUSED, f"{sorted(map(str, codes))} {refusal}")
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not happen)
        return Found(Verdict.DIFFERENT, f"{type(error).__name__}: {error}")
    if any(code == NEVER for code, _ in errors_of(ordinary)):
        return Found(Verdict.DIFFERENT, f"ordinary: {dict(ordinary)['errors']}")
    if compiled is None:
        return Found(Verdict.LEFT, f"{errors_of(ordinary)}")
    if (dict(compiled).get("data"), errors_of(compiled)) == (dict(ordinary).get("data"), errors_of(ordinary)):
        return Found(Verdict.COMPILED)
    return Found(Verdict.DIFFERENT, f"compiled: {compiled}\nordinary: {ordinary}")


def errors_of(answer: Any) -> list[tuple[str, list[str]]]:
    """The errors of an answer: codes and paths, in the order of the paths."""
    told = [dict(error) for error in dict(answer).get("errors", [])]
    return sorted((str(dict(each["extensions"])["code"]), each.get("path", [])) for each in told)
