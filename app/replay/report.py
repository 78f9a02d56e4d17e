"""The comparison: what the recordings say, what can be told of it and why not all, and what the API now says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from app.replay.causes import Cause
from app.replay.figures import AMOUNTS, LINES, Figures, Line, summed
from app.replay.player import Tally
from app.replay.recordings import CURRENCY, Window
from app.replay.story import Story, recorded_figures, told_figures

EXAMPLES = 5
EXPECTED = {"INSUFFICIENT_STOCK", "INVALID_TRANSITION", "QUANTITY_EXCEEDS", "UNITS_COMMITTED"}
"""What may be refused where goods were counted away, or went to somebody else."""


class Verdict(StrEnum):
    """What a line of the report comes to."""

    AGREES = "agrees"
    EXPLAINED = "explained"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Compared:
    """One line: in the data, as it can be told, as it was found; and the causes of what cannot be told."""

    name: str
    recorded: float
    told: float
    found: float
    causes: tuple[Cause, ...]

    @property
    def verdict(self) -> Verdict:
        """Found must be what can be told; where that is not what was recorded, counted causes say why."""
        if self.found != self.told or (self.told != self.recorded and not self.causes):
            return Verdict.DIFFERS
        return Verdict.AGREES if self.told == self.recorded else Verdict.EXPLAINED


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What went wrong on purpose, and for how many orders: those are not compared."""

    happened: Mapping[str, int]
    orders: int
    waiting: int
    """Orders with units that nobody has."""
    before: int
    """Orders that were there already, and were left as they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a replay has to say."""

    window: Window
    orders: int
    told: int
    seconds: float
    lines: tuple[Compared, ...]
    strays: tuple[str, ...]
    """References of orders that are not, one by one, as they were told."""
    causes: Mapping[Cause, int]
    tally: Tally
    disturbed: Disturbed | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing was refused and nothing differs that no cause explains; or nothing but what things gone wrong do.

        An order that nothing happened to and that was refused a step is not as it was told: a stray.
        """
        differs = any(line.verdict is Verdict.DIFFERS for line in self.lines)
        refused = any(not self.disturbed or code not in EXPECTED for _, code in self.tally.refusals)
        return not (differs or self.strays or refused)

    @property
    def rate(self) -> float:
        """Orders told per second, all of their steps included."""
        return self.told / self.seconds if self.seconds else 0.0


def compare(
    window: Window, stories: Sequence[Story], found: Mapping[str, Figures], tally: Tally, seconds: float
) -> Report:
    """The report on a replay."""
    recorded = {story.recorded.id: recorded_figures(story.recorded) for story in stories}
    told = {story.recorded.id: figures for story in stories if (figures := told_figures(story))}
    changed = [story for story in stories if told.get(story.recorded.id) != recorded[story.recorded.id]]
    was, can, now = (summed(each.values()) for each in (recorded, told, found))
    return Report(
        window=window,
        orders=len(stories),
        told=tally.told,
        seconds=seconds,
        lines=tuple(
            Compared(name, was[name], can[name], now[name], _causes_of(line, changed, recorded, told))
            for name, line in LINES.items()
        ),
        strays=tuple(sorted(id_ for id_ in told.keys() | found.keys() if told.get(id_) != found.get(id_))),
        causes=Counter(cause for story in stories for cause in story.causes),
        tally=tally,
    )


def _causes_of(
    line: Line, changed: Sequence[Story], recorded: Mapping[str, Figures], told: Mapping[str, Figures]
) -> tuple[Cause, ...]:
    """Why a line of what can be told is not as recorded: the causes of the orders that make the difference."""
    causes = Counter(
        cause
        for story in changed
        if line([recorded[story.recorded.id]]) != line([told[story.recorded.id]] if story.recorded.id in told else [])
        for cause in story.causes
        if cause in EXPLAINING
    )
    return tuple(cause for cause, _ in causes.most_common())


EXPLAINING = {
    Cause.NO_ITEMS,
    Cause.PAYMENT_NOT_APPROVED,
    Cause.DELIVERED_UNDATED,
    Cause.MOMENT_BEYOND_STATUS,
    Cause.CANCELED_AFTER_HAND_OVER,
    Cause.CANCELED_AFTER_DELIVERY,
}
"""The causes that change a figure; the others change moments alone, or only say what was found odd."""


# -- for people --------------------------------------------------------------------------------------------------------


def shown(report: Report) -> RenderableType:
    """The report as tables."""
    parts: list[RenderableType] = [_lines_table(report), *_explanations(report)]
    if report.causes:
        parts.append(_causes_table(report))
    if report.disturbed:
        parts.append(_disturbed_table(report.disturbed))
    if report.tally.refusals:
        parts.append(_refusals_table(report.tally))
    return Group(*parts, *_sentences(report))


def _lines_table(report: Report) -> Table:
    which = " that nothing happened to" if report.disturbed else ""
    title = f"Orders bought from {report.window.first} to before {report.window.end}{which}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(no_wrap=True)
    for name in ("recorded", "to tell", "found"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for line in report.lines:
        numbers = (_number(line.name, each) for each in (line.recorded, line.told, line.found))
        table.add_row(_title(line.name), *numbers, _judged(line))
    return table


def _title(name: str) -> str:
    return f"{name}, {CURRENCY}" if name in AMOUNTS else name


def _number(name: str, value: float) -> str:
    if name in AMOUNTS:
        return f"{value / 100:,.2f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


COLORS = {Verdict.AGREES: "green", Verdict.EXPLAINED: "yellow", Verdict.DIFFERS: "bold red"}


def _judged(line: Compared) -> str:
    return f"[{COLORS[line.verdict]}]{line.verdict}[/]"


def _explanations(report: Report) -> list[str]:
    """Why lines are not as recorded, by the causes below."""
    explained = [line for line in report.lines if line.verdict is Verdict.EXPLAINED]
    return [f"{line.name}: explained by {', '.join(line.causes)}" for line in explained]


def _causes_table(report: Report) -> Table:
    table = Table("Cause", "Orders", "What it is", title="What the recordings hold that is odd", title_justify="left")
    for cause in Cause:
        if report.causes.get(cause):
            table.add_row(cause.value, f"{report.causes[cause]:,}", cause.description)
    return table


def _disturbed_table(disturbed: Disturbed) -> Table:
    table = Table("What went wrong", "Times", title="As the seed had it", title_justify="left")
    for what, times in sorted(disturbed.happened.items()):
        table.add_row(what, f"{times:,}")
    return table


def _refusals_table(tally: Tally) -> Table:
    table = Table("Step", "Refused as", "Times", "For example", title="Refusals", title_justify="left")
    for (step, code), times in tally.refusals.most_common():
        table.add_row(step, code, f"{times:,}", "\n".join(tally.examples[step, code]))
    return table


def _sentences(report: Report) -> list[str]:
    sentences = [
        f"{report.told:,} orders told in {report.seconds:,.1f} s: {report.rate:,.1f} orders/s, all steps included."
    ]
    if report.disturbed:
        sentences += _told_of(report.disturbed)
    if report.strays:
        first = ", ".join(report.strays[:EXAMPLES])
        sentences.append(f"[bold red]{len(report.strays):,} orders are not as they were told[/], such as {first}.")
    verdict = "[green]agrees[/] with" if report.agrees else "[bold red]differs[/] from"
    of = " of the orders that nothing happened to" if report.disturbed else ""
    return [*sentences, f"What the API says{of} {verdict} the recordings."]


def _told_of(disturbed: Disturbed) -> list[str]:
    told = [
        f"Something happened to {disturbed.orders:,} orders; they are not compared. {disturbed.waiting:,} wait for goods."
    ]
    if disturbed.before:
        told.append(f"{disturbed.before:,} orders were there before; they were left as they are and are not compared.")
    return told


# -- for programs ------------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """The report as data. Amounts are cents."""
    return {
        "from": str(report.window.first),
        "to": str(report.window.end),
        "orders": report.orders,
        "told": report.told,
        "seconds": round(report.seconds, 3),
        "ordersPerSecond": round(report.rate, 2),
        "agrees": report.agrees,
        "lines": [_line_json(line) for line in report.lines],
        "causes": {cause.value: count for cause, count in report.causes.items()},
        "strays": list(report.strays),
        "refusals": [
            {"step": step, "code": code, "times": times, "examples": report.tally.examples[step, code]}
            for (step, code), times in report.tally.refusals.most_common()
        ],
        "disturbed": report.disturbed and _disturbed_json(report.disturbed),
    }


def _disturbed_json(disturbed: Disturbed) -> dict[str, Any]:
    counts = {"orders": disturbed.orders, "waiting": disturbed.waiting, "before": disturbed.before}
    return {"happened": dict(disturbed.happened), **counts}


def _line_json(line: Compared) -> dict[str, Any]:
    figures = {"name": line.name, "recorded": line.recorded, "told": line.told, "found": line.found}
    return {**figures, "verdict": line.verdict.value, "causes": [cause.value for cause in line.causes]}
