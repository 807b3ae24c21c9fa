"""Of a Rubin packet the part of the history is read that is not stored, and no more."""

from dataclasses import replace
from typing import Any

import pytest

from tests.surveys.lsst.made import (
    MJD,
    NEWEST,
    SOURCE_ID,
    make_forced,
    make_framed,
    make_source,
    read_any_framed,
)
from tom.surveys.lsst.packets import open_framed, parse_framed, read_alert
from tom.surveys.lsst.schemas import published

PAST = [make_source(diaSourceId=n, midpointMjdTai=MJD - n) for n in (1, 2)]
FORCED = [make_forced(diaForcedSourceId=n, midpointMjdTai=MJD - n) for n in (3, 4)]


def test_entries_that_are_stored_are_left_out_and_changed_ones_are_read() -> None:
    first = parse_framed(make_framed(history=PAST, forced=FORCED))
    changed = [PAST[0], make_source(diaSourceId=2, midpointMjdTai=MJD - 2, psfFlux=5.0)]
    new = make_forced(diaForcedSourceId=5, midpointMjdTai=MJD - 5)
    packet = make_framed(history=changed, forced=[*FORCED, new])

    alert = open_framed(packet).read(first.history)

    assert len(parse_framed(packet).points) == 6
    assert [point.key for point in alert.points] == ["5", "2", str(SOURCE_ID)]


def test_stored_forced_points_still_tell_of_a_new_template() -> None:
    nights = [(-6, 0.0), (-5, 0.0), (-4, 900.0), (-3, 900.0)]
    forced = [
        make_forced(
            diaForcedSourceId=10 + day,
            midpointMjdTai=MJD + day,
            psfFlux=-level,
            scienceFlux=1000.0,
            scienceFluxErr=1.0,
        )
        for day, level in nights
    ]
    packet = make_framed(forced=forced)
    whole = parse_framed(packet)

    alert = open_framed(packet).read(whole.history)

    assert len(whole.template_changes) == 1
    assert alert.template_changes == whole.template_changes
    assert alert.points == (alert.trigger,)


def test_a_history_with_an_epoch_that_is_too_late_is_not_taken_for_stored() -> None:
    late = make_source(diaSourceId=9, midpointMjdTai=MJD + 0.7)

    assert not parse_framed(make_framed(history=[*PAST, late])).history
    assert parse_framed(make_framed(history=PAST)).history


@pytest.mark.parametrize("version", [300, 400, 704, 1000, NEWEST])
def test_of_an_entry_all_is_decoded_that_is_read(version: int) -> None:
    flags = [
        field for field in _fields_of_sources(version) if "Flags_" in field or "_flag" in field
    ]
    others: list[dict[str, Any]] = [{"reliability": 0.4}, {"timeWithdrawnMjdTai": MJD}, {}]
    told = [*({flag: True} for flag in flags), *others]
    told += [{"centroid_flag": True, "psfFlux_flag": True}]
    history = [
        make_source(diaSourceId=n, midpointMjdTai=MJD - n, **each) for n, each in enumerate(told, 1)
    ]
    forced = [
        make_forced(diaForcedSourceId=n, midpointMjdTai=MJD - n, scienceFluxErr=1.0, **each)
        for n, each in enumerate(
            [{"scienceFlux": 9.0 * n} for n in (1, 1, 500, 500)] + others[1:], start=1
        )
    ]
    limits = [{"ccdVisitId": 5, "midpointMjdTai": MJD - 5, "band": "r", "diaNoise": 7.0}]
    top = {"prvDiaNondetectionLimits": limits}
    packet = make_framed(version, history=history, forced=forced, top=top)

    cut, whole = parse_framed(packet), read_alert(read_any_framed(packet))

    assert cut.history
    assert len(cut.points) > 4
    assert replace(cut, history=frozenset(), schema_version=None) == replace(
        whole, schema_version=None
    )


def _fields_of_sources(version: int) -> list[str]:
    return sorted(published()[version].fields["diaSource"])
