"""The figures of an evaluation in one line of JSON, or as a table for people."""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

MOST_LABELS: Final = 20
"""So many labels are named."""


def as_json(report: Mapping[str, Any]) -> str:
    """Return the report as one line; a figure that does not apply is null."""
    return json.dumps(_plain(report), allow_nan=False)


def as_text(report: Mapping[str, Any]) -> str:
    """Return the report as lines for people."""
    return "\n".join(_lines(report))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{report['scorer']} {report['version']}, {report['split']}"
    yield f"objects with an answer: {report['n']}; without a class of the scorer:" + (
        f" {report['no_class']}"
    )
    left = report["left_out"]
    yield (
        f"left out: {left['trained_on']} trained on, {left['no_points']} without points,"
        f" {left['no_label']} without a label"
    )
    if report["labels_unknown"]:
        yield f"labels that mean no class here: {_counts_of(report['labels_unknown'])}"
    yield "abstained: " + (_counts(report["abstained"]) or "never")
    yield ""
    yield from _overall(report)
    yield ""
    yield from _table("class", report["classes"].items())
    yield ""
    for title, name in (("peak, mag", "by_magnitude"), ("E(B-V), mag", "by_reddening")):
        rows = report[name]
        yield from _table(title, [(_range(row), row) for row in rows], skip={"from", "to"})
        yield ""
    epochs = [(_days(row["days"]), row) for row in report["by_epoch"]]
    yield from _table("after the first detection", epochs, skip={"days"})
    if "lists" in report:
        yield ""
        rows = [(f"{row['figure']}, {_days(row['days'])}", row) for row in report["lists"]]
        yield from _table("a list of the sought", rows, skip={"days", "figure"})
    if "reliability" in report:
        yield ""
        yield f"{'said':>10} {'right':>10} {'objects':>10}"
        for said, right, n in report["reliability"]:
            yield f"{said:10.3f} {right:10.3f} {n:10d}"


def _overall(report: Mapping[str, Any]) -> Iterator[str]:
    baseline = report["baseline"]
    yield f"{'figure':24} {'value':>8}  {'95%':15} {'class shares':>14} {'brightest first':>16}"
    for name, (low, high) in report["intervals"].items():
        others = (baseline[of].get(name) for of in ("class_shares", "brightest_first"))
        shares, bright = (_figure(value) for value in others)
        told = f"{_figure(low)}-{_figure(high)}"
        yield f"{name:24} {_figure(report[name]):>8}  {told:15} {shares:>14} {bright:>16}"
    if "ece_if_true" in report:
        yield f"{'ece if all were true':24} {_figure(report['ece_if_true']):>8}"


def comparison(gains: Mapping[str, Any], *, figure: str) -> str:
    """Return the lines of a comparison, and whether the change is accepted by a figure."""
    lines = [f"gain over {gains['against']} on {gains['n']} objects (paired, 95%)"]
    for name, each in gains.items():
        if isinstance(each, Mapping):
            ends = f"{each['low']:+.4f} to {each['high']:+.4f}"
            lines.append(f"{name:24} {each['gain']:+.4f}  {ends}")
    told = "accepted" if is_accepted(gains, figure=figure) else "not accepted"
    return "\n".join([*lines, f"{told}: the lower end for {figure} must be above 0"])


def is_accepted(gains: Mapping[str, Any], *, figure: str) -> bool:
    """Say whether the lower end of a figure's gain is above 0."""
    return bool(gains[figure]["low"] > 0)


def _table(title: str, rows: Any, *, skip: Collection[str] = ()) -> Iterator[str]:
    rows = list(rows)
    names = [name for name in _longest(rows) if name not in skip]
    yield f"{title:26}" + "".join(f"{name:>{_width(name)}}" for name in names)
    for label, row in rows:
        cells = (f"{_figure(row.get(name)):>{_width(name)}}" for name in names)
        yield f"{label:26}" + "".join(cells)


def _longest(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    return max((list(row) for _, row in rows), key=len, default=[])


def _width(name: str) -> int:
    return max(len(name) + 2, 9)


def _range(row: Mapping[str, float]) -> str:
    low, high = row["from"], row["to"]
    if math.isinf(low):
        return f"less than {high:g}"
    return f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"


def _days(days: float) -> str:
    return "all points" if math.isinf(days) else f"{days:g} days"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} ({reason})" for reason, n in counts.items())


def _counts_of(labels: Mapping[str, int]) -> str:
    told = [f"{label!r} {n}" for label, n in list(labels.items())[:MOST_LABELS]]
    return ", ".join([*told, *(["..."] if len(labels) > MOST_LABELS else [])])


def _figure(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
