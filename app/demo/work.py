"""What the demo's people have to do: a work item in each state."""

from dataclasses import dataclass
from typing import Any

from app.demo.shop import Shop
from domain.viewer import Viewer

A_DAY, A_WEEK = 86_400, 604_800


@dataclass(frozen=True, slots=True)
class Task:
    """Work at a location, or in the call centre; `end` is the mutation that ended it, of what somebody took on."""

    kind: str
    note: str
    location: str | None = None
    taken: bool = False
    end: str | None = None
    told: tuple[tuple[str, Any], ...] = ()
    max_attempts: int = 5


TASKS = (
    Task("CALL_BACK", "Promised to say when the blue one comes back."),
    Task("CALL_BACK", "Nobody answered the door, nor the phone.", taken=True, end="workItemFail",
         told=(("reason", "No answer."), ("retrySeconds", A_WEEK))),
    Task("COUNT_SHELF", "Two pickers found less on shelf A7 than the record says.", "GRU1"),
    Task("COUNT_SHELF", "Shelf B2 was moved.", "GRU1", taken=True),
    Task("COUNT_SHELF", "Shelf C1 was restocked.", "GRU1", taken=True, end="workItemComplete",
         told=(("result", {"found": 12}),)),
    Task("FIND_PARCEL", "A parcel was left at the counter.", "IPANEMA", taken=True, end="workItemFail",
         told=(("reason", "It is gone."),), max_attempts=1),
)  # fmt: skip


async def give_work(shop: Shop) -> None:
    """Put all of it in, and let some be done."""
    for number, task in enumerate(TASKS):
        key = {"idempotencyKey": f"demo:work:{number}"}
        where = {"locationId": shop.locations[task.location]} if task.location else {"queue": "call-center"}
        given = {"kind": task.kind, "note": task.note, "maxAttempts": task.max_attempts}
        made = await shop.do(shop.owner, "workItemCreate", {**key, **given, **where})
        await _do(shop, _whoever_does(shop, task), task, {**key, "id": made["workItem"]["id"]})


async def _do(shop: Shop, who: Viewer, task: Task, item: dict[str, Any]) -> None:
    if task.taken:
        await shop.do(who, "workItemClaim", {**item, "leaseSeconds": A_DAY})
    if task.end:
        await shop.do(who, task.end, {**item, **dict(task.told)})


def _whoever_does(shop: Shop, task: Task) -> Viewer:
    return shop.floor(task.location) if task.location else shop.agent
