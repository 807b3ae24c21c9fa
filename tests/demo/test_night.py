import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.demo.conftest import MERGER_TIME, SEED
from tests.evaluation.night_hours import leave_out
from tom.demo import make_night
from tom.demo.gwalerts import make_chain
from tom.demo.light import to_magnitude
from tom.demo.localization import draw_arcs, make_skymap
from tom.demo.night import MERGER_AGE, latest_merger
from tom.demo.packets import to_datetime, to_jd
from tom.demo.population import Population, alert_rows, region_of

FAST_KINDS = {"kilonova", "flare", "CV", "SN II", "SN IIb"}


def object_ids(packets):
    return Counter(packet["objectId"] for packet in packets)


def test_tests_of_one_night_run_in_one_process(night, request):
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@demo")


def test_the_night_holds_one_event_and_some_three_thousand_alerts_of_600_objects(night, packets):
    events = [message for message in night.messages if message.topic.startswith("igwn")]

    assert len(events) == 3
    assert len(packets) == pytest.approx(3000, rel=0.15)
    assert len(night.truth) == 600
    assert object_ids(packets) == {row.object_id: row.n_alerts for row in night.truth}


def test_a_night_is_made_without_its_kilonova(night, packets):
    kilonova = next(row.object_id for row in night.truth if row.kind == "kilonova")
    alerts = [message for message in night.messages if message.topic.startswith("ztf")]
    theirs = [at for at, packet in enumerate(packets) if packet["objectId"] == kilonova]
    near = alerts[theirs[0] - 5 : theirs[-1] + 5][:60]

    left = leave_out(kilonova, replace(night, messages=near)).messages

    assert left == [each for each in near if each not in [alerts[at] for at in theirs]]
    assert len(left) < len(near)


def test_every_kind_is_there_and_one_kilonova(night):
    kinds = Counter(row.kind for row in night.truth)

    assert kinds["kilonova"] == 1
    assert set(kinds) == {
        "kilonova", "SN Ia", "SN Ibc", "SN IIb", "SN II", "SN IIn", "SLSN", "TDE", "AGN",
        "RR Lyrae", "eclipsing binary", "CV", "flare", "asteroid", "bogus",
    }  # fmt: skip


def test_150_others_lie_in_the_region_first_seen_after_the_merger_and_20_are_fast(night):
    rivals = [row for row in night.truth if row.in_region and row.is_new and row.kind != "kilonova"]

    assert len(rivals) >= 150
    assert sum(row.fast for row in rivals) >= 20
    assert {row.kind for row in rivals if row.fast} <= FAST_KINDS
    assert all(row.first_seen > night.merger_time for row in rivals)


def test_messages_come_in_the_order_of_time_within_the_night(night):
    times = [message.time for message in night.messages]

    assert times == sorted(times)
    assert times[0] > MERGER_TIME - timedelta(days=20)
    assert times[-1] < MERGER_TIME + MERGER_AGE


@pytest.mark.soak
def test_the_same_seed_gives_the_same_bytes(night):
    again = make_night(SEED, MERGER_TIME)

    assert again == night


def test_a_night_stays_below_sixty_megabytes(night):
    assert sum(len(message.payload) for message in night.messages) < 60e6


def test_neither_names_nor_numbers_tell_the_kind(night, packets):
    # Ranks of the kilonova-like and of the others would part if drawing order showed through.
    places = {row.object_id: place for place, row in enumerate(night.truth)}
    letters = sorted(places, key=lambda name: name[5:])
    last_digits = {packet["objectId"]: packet["candid"] % 1000 for packet in packets}
    kinds = {row.object_id: row.kind for row in night.truth}

    for order in (letters, list(places), sorted(last_digits, key=last_digits.__getitem__)):
        rank = {name: place for place, name in enumerate(order)}
        bogus = [rank[name] for name in rank if kinds[name] == "bogus"]
        assert np.mean(bogus) == pytest.approx(300, abs=4 * 173 / np.sqrt(len(bogus)))


def test_the_kilonova_is_as_bright_as_its_distance_makes_it(night):
    kilonova = next(row for row in night.truth if row.kind == "kilonova")

    absolute = kilonova.peak_magnitude - 5 * np.log10(kilonova.distance_mpc) - 25

    assert -16.4 < absolute < -14.5


def test_names_tell_the_year_of_the_first_detection(night):
    assert all(row.object_id[3:5] == f"{row.first_seen:%y}" for row in night.truth)
    assert len({row.object_id for row in night.truth}) == 600


def test_no_packet_holds_the_truth(night, packets):
    words = {row.kind for row in night.truth} - {"AGN", "CV", "TDE"}

    strings = " ".join(
        str(value)
        for packet in packets
        for value in (*packet.values(), *packet["candidate"].values())
        if isinstance(value, str)
    )

    assert not [word for word in words if word in strings]


def test_julian_dates_and_times_agree():
    assert to_datetime(2451545.0).isoformat() == "2000-01-01T12:00:00+00:00"


@pytest.mark.parametrize("day", range(0, 360, 15))
def test_the_kilonova_is_seen_to_fade_whatever_the_day_of_the_start(day):
    now = datetime(2026, 1, 10, 4, tzinfo=UTC) + timedelta(days=day)

    assert kilonova_s_fade(latest_merger(now)) > 1


def kilonova_s_fade(merger_time):
    """The largest fade in one filter, mag, that the alerts of the default night tell."""
    rng, merger_jd = np.random.default_rng(SEED), to_jd(merger_time)
    wide, narrow = draw_arcs(merger_jd, rng)
    maps = {"preliminary": make_skymap(wide), "update": make_skymap(narrow)}
    make_chain(merger_time=merger_time, **maps, rng=rng)
    population = Population(region_of(maps["update"]), merger_jd, rng)
    kilonova = next(drawn for drawn in population.draw() if drawn.source.kind == "kilonova")
    alerts = alert_rows(kilonova, merger_jd)
    filters = kilonova.epochs.exposures.fid[alerts]
    magnitudes = to_magnitude(kilonova.epochs.flux[alerts])
    return max(
        np.max(np.maximum.accumulate(seen[::-1])[::-1] - seen)
        for seen in (magnitudes[filters == fid] for fid in np.unique(filters))
    )
