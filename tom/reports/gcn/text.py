"""The first text of a circular: the candidates, the coverage and the limits, in words and tables.

It is plain text in ASCII, but for names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from tom.candidates.models import EventCandidate
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.formats.chances import write_chance
from tom.forms.by_hand import SENDER as BY_HAND
from tom.pointings.coverage import Coverage
from tom.pointings.efficiency import FIRST_SEEN_HOURS, LEVELS, Found, UpperLimit, upper_limits
from tom.reports.gcn.chosen_rows import choose_rows
from tom.reports.gcn.form import BEFORE_NAMES
from tom.reports.photometry_rows import each_exposure_once, row_of
from tom.reports.plain_text import percent_of, wrap, write_table
from tom.sky.at2017gfo import NAME
from tom.targets.models import LightCurvePoint

DECLINES_TOLD: Final = (0.0, 0.5, 1.0)
NO_MISSION: Final = {"gw": "GW"}
"""What stands before the name of an event that a person made, by its kind."""


@dataclass(frozen=True)
class Facts:
    """What a circular is filled from; every datum in it is public."""

    event: NonLocalizedEvent
    use: EventLocalization | None
    candidates: Sequence[EventCandidate] = ()
    points: Sequence[LightCurvePoint] = ()
    programs: Sequence[str] = ()
    coverage: Coverage | None = None
    found: Found | None = None
    sources: Sequence[str] = field(default=())


def warning_of(event: NonLocalizedEvent) -> str:
    """What stands above all texts about an event that is not live; "" of a live one."""
    if event.test_reasons:
        return f"THIS IS A TEST, NOT A CIRCULAR: {event.public_name} is a test event."
    if event.retracted:
        return f"{event.public_name} WAS RETRACTED."
    if event.joined_to_id is not None:
        return f"{event.public_name} was found to be the same as another event."
    return ""


def write_subject(facts: Facts) -> str:
    """Name the event as GCN finds it in a subject, and what the circular tells of it."""
    event = facts.event
    before = NO_MISSION if event.is_by_hand else BEFORE_NAMES
    name = f"{before.get(event.kind, '')} {event.public_name}".strip()
    n = len(facts.candidates)
    if n:
        told = "one candidate counterpart" if n == 1 else f"{n} candidate counterparts"
    else:
        told = "coverage and upper limits" if facts.coverage else "no candidate counterpart"
    start = "TEST: " if event.test_reasons else "RETRACTED: " if event.retracted else ""
    return f"{start}{name}: {told}"[:200]


def write_body(facts: Facts, *, author: str) -> str:
    """Write the text below the subject, from whose data is public now."""
    parts = [
        warning_of(facts.event),
        f"{author} reports:",
        wrap(_opening(facts)),
        _candidates(facts.candidates),
        _photometry(facts),
        *_coverage(facts),
        *_limits(facts.found),
        wrap(_sources(facts)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(facts: Facts) -> str:
    event, n = facts.event, len(facts.candidates)
    when = f" ({_utc(event.time)} UTC)" if event.time else ""
    if not n:
        return f"We searched for a counterpart of {event.public_name}{when}."
    what = "a candidate counterpart" if n == 1 else f"{n} candidate counterparts"
    return (
        f"We report {what} of {event.public_name}{when}, in the order of the probability that we"
        " give each. Coordinates are ICRS; Region is the smallest credible region of the map that"
        " holds it."
    )


def _candidates(candidates: Sequence[EventCandidate]) -> str:
    headings = ("Name", "RA", "Dec", "RA (deg)", "Dec (deg)", "Prob.", "Region")
    return write_table(headings, [_standing(row) for row in candidates])


def _standing(row: EventCandidate) -> tuple[str, ...]:
    level = row.credible_level_2d
    return (
        row.target.name,
        *_place(row.target.ra, row.target.dec),
        "-" if row.posterior is None else write_chance(row.posterior),
        "-" if level is None else f"{percent_of(level)}%",
    )


def _place(ra: float | None, dec: float | None) -> tuple[str, str, str, str]:
    if ra is None or dec is None:
        return "-", "-", "-", "-"
    hours, degrees = sexagesimal(ra / 15 % 24, 24), sexagesimal(dec, 90, sign=True)
    return hours, degrees, f"{ra:.5f}", f"{dec:+.5f}"


def sexagesimal(value: float, whole: float, *, sign: bool = False) -> str:
    """Write hours or degrees with minutes and seconds; to 0.01 s, with a sign to 0.1 arcsec.

    An hour that rounds up to `whole` becomes 0.
    """
    digits = 1 if sign else 2
    units = round(abs(value) * 3600 * 10**digits)
    seconds, fraction = divmod(units, 10**digits)
    hours, seconds = divmod(seconds, 3600)
    if not sign:
        hours %= int(whole)
    minutes, seconds = divmod(seconds, 60)
    lead = ("-" if value < 0 else "+") if sign else ""
    return f"{lead}{hours:02d}:{minutes:02d}:{seconds:02d}.{fraction:0{digits}d}"


def _photometry(facts: Facts) -> str:
    names = {row.target_id: row.target.name for row in facts.candidates}
    rows = {point.pk: row_of(point, names[point.target_id]) for point in facts.points}
    usable = each_exposure_once([point for point in facts.points if rows[point.pk]])
    cells, left = [], []
    for target, name in names.items():
        own = [(rows[point.pk] or {}, point) for point in usable if point.target_id == target]
        chosen = choose_rows(own, since=facts.event.time)
        cells += [_measured(*row) for row in chosen]
        if n := len(own) - len(chosen):
            left.append(f"{n} more {'row is' if n == 1 else 'rows are'} left out of {name}.")
    headings = ("Name", "UTC", "Band", "AB mag", "Telescope", "Program")
    return "\n".join([write_table(headings, cells), *left])


def _measured(row: Mapping[str, Any], point: LightCurvePoint) -> tuple[str, ...]:
    if row.get("brightness") is None:
        told = f"> {row['limiting_brightness']:.2f}"
    else:
        told = f"{row['brightness']:.2f} +/- {row['brightness_error']:.2f}"
    program = str(point.program)
    return row["target_name"], _utc(point.time), point.band, told, row["telescope"], program


def _coverage(facts: Facts) -> list[str]:
    coverage, use = facts.coverage, facts.use
    if coverage is None or coverage.whole is None or use is None:
        return []
    whole = coverage.whole
    text = (
        f"{whole.pointings} pointings cover {_area(whole.area_deg2)} and"
        f" {whole.probability:.1%} of the probability of the map below, each place counted once."
    )
    rows = [
        (
            share.telescope,
            str(share.pointings),
            f"{_utc(share.first)} - {_utc(share.last)}",
            share.bands or "-",
            "-" if np.isnan(share.deepest) else f"{share.deepest:.1f}",
            _area(share.area_deg2),
            f"{share.probability:.1%}",
        )
        for share in coverage.telescopes
    ]
    headings = ("Telescope", "N", "From - to (UTC)", "Bands", "Deepest", "Area", "Prob.")
    return [wrap(text), write_table(headings, rows)]


def _limits(found: Found | None) -> list[str]:
    if found is None or not found.covered:
        return []
    gfo = next((each for each in found.bands if not each.band), None)
    seen = (
        f" A source like {NAME} would have been caught at least once with a chance of"
        f" {gfo.once:.1%}, and at least twice with {gfo.twice:.1%} (before {FIRST_SEEN_HOURS} h it"
        " counts as bright as then)."
        if gfo and gfo.pointings
        else ""
    )
    text = (
        "Sources were placed by the 3D map, behind the dust of the Milky Way; one is caught where"
        f" it is not fainter than a 5-sigma depth.{seen} If nothing was found, sources of these or"
        " brighter absolute magnitudes at the event's time are excluded:"
    )
    headings = (
        "Decline (mag/d)",
        *(f"{level:.0%}, whole map" for level in LEVELS),
        *(f"{level:.0%}, in the fields" for level in LEVELS),
    )
    told = [limit for limit in upper_limits(found) if limit.decline in DECLINES_TOLD]
    return [wrap(text), write_table(headings, [_limit(limit) for limit in told])]


def _limit(limit: UpperLimit) -> tuple[str, ...]:
    each = (*limit.over_map, *limit.within_fields)
    return (f"{limit.decline:g}", *("-" if value is None else f"{value:.1f}" for value in each))


def _sources(facts: Facts) -> str:
    lines = []
    if facts.use is not None:
        use = facts.use
        names = dict.fromkeys((use.author, "" if use.sender == BY_HAND else use.sender))
        by = " of ".join(filter(None, names)) or "an unnamed author"
        lines.append(f"Map: {use.product.replace('_', ' ')} by {by}, {_utc(use.time)} UTC.")
    if facts.programs:
        lines.append(f"Photometry: public data of {', '.join(facts.programs)}.")
    if facts.coverage and facts.coverage.whole and facts.sources:
        lines.append(f"Pointings: {', '.join(facts.sources)}.")
    if facts.found is not None:
        lines.append(f"{NAME}: Villar et al. 2017, ApJL 851, L21.")
    return "\n".join(lines)


def _area(area_deg2: float) -> str:
    return f"{area_deg2:,.0f} deg2" if area_deg2 >= 100 else f"{area_deg2:.3g} deg2"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
