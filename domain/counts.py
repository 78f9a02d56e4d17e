"""Cycle counts: what a location should have by the books, what somebody found, and the difference."""

from domain.lifecycle import Lifecycle, Step
from domain.words import Word


class StockCountStatus(Word):
    """How far a count has come."""

    OPEN = "OPEN", "Somebody is counting; nothing is corrected yet."
    COMPLETED = "COMPLETED", "The books were corrected by what was found."
    CANCELED = "CANCELED", "Given up; nothing was corrected."


class StockCountAction(Word):
    """What can be done with a count."""

    RECORD = "RECORD", "Say how many were found of something."
    COMPLETE = "COMPLETE", "Correct the books by what was found."
    CANCEL = "CANCEL", "Give it up."


STOCK_COUNT = Lifecycle(
    "stock count",
    StockCountStatus.OPEN,
    (
        Step(StockCountStatus.OPEN, StockCountAction.RECORD, StockCountStatus.OPEN),
        Step(StockCountStatus.OPEN, StockCountAction.COMPLETE, StockCountStatus.COMPLETED),
        Step(StockCountStatus.OPEN, StockCountAction.CANCEL, StockCountStatus.CANCELED),
    ),
)
