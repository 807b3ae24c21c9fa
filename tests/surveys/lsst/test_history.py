"""Of a Rubin packet the part of the history is read that is not stored, and no more."""

from tests.surveys.lsst.made import MJD, SOURCE_ID, make_forced, make_framed, make_source
from tom.surveys.lsst.packets import open_framed, parse_framed

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
