"""GW170817 and GRB 170817A from their real maps: one event, AT2017gfo in it, NGC 4993 its host."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from tests.factories import make_message, make_observer, make_target
from tests.galaxies.test_association import GFO, GLADE_2
from tests.streams.packets import make_gwalert_json
from tom import intake
from tom.candidates.hosts import find_other_hosts
from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.galaxies.loading import load_catalogue
from tom.galaxies.mapping import read_mapping
from tom.galaxies.models import HostMatch
from tom.intake_events import react_to_change
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event
from tom.records.notice import Notice, NoticeMap, NoticeType, Product
from tom.streams.services import store_message

pytestmark = [pytest.mark.soak, pytest.mark.django_db]

# As the target's points are dated: the merger is moved to then.
MERGER = datetime(2026, 11, 20, 4, tzinfo=UTC)
MAPS = (
    "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
    "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "GW170817_GWTC1_LALInference_nside1024_nested.fits.gz",
)
HOURS = timedelta(hours=1)
TRIGGER = 524666471


def send(fits: bytes, kind: str, hours: float, **values: object) -> None:
    payload = make_gwalert_json(
        superevent_id="S261120gw",
        alert_type=kind,
        time_created=(MERGER + hours * HOURS).isoformat(),
        event={"time": MERGER.isoformat(), "skymap": fits},
        **values,
    )
    message, _ = store_message("igwn.gwalert", payload)
    intake.work_message(message.pk)
    event = NonLocalizedEvent.objects.get(event_id="S261120gw")
    find_other_hosts(event)
    rank_event(event)


def burst(fits: bytes) -> NonLocalizedEvent:
    notice = Notice(
        sender="Fermi GBM",
        kind="grb",
        names=("bn261120529", f"GBM-{TRIGGER}"),
        type=NoticeType.INITIAL,
        time=MERGER + HOURS / 2,
        event_time=MERGER + timedelta(seconds=1.7),
        maps=(NoticeMap(product=Product.SKYMAP, author="GBM", fits=fits),),
    )
    event = record_notice(make_message(kind="gcn.notice"), notice).event
    react_to_change(event)
    return event


def test_at2017gfo_is_in_both_events_and_first_of_the_linked_one_by_its_host(
    real_data: Path, client: Client
) -> None:
    maps = real_data / "gw/maps"
    two, three, final = ((maps / name).read_bytes() for name in MAPS)
    galaxies = real_data / "gw/galaxies/GW170817_galaxies_GLADE.csv"
    load_catalogue(galaxies, read_mapping(GLADE_2), progress=lambda n: None)
    at2017gfo = make_target("AT2017gfo", **GFO)
    other = make_target("elsewhere in the map", ra=198.9, dec=-26.0)

    send(two, "PRELIMINARY", 0.2)
    grb = burst((maps / "GRB170817A_GBM.multiorder.fits").read_bytes())
    both = EventCandidate.objects.filter(target=at2017gfo)
    assert {candidate.event.kind for candidate in both} == {"gw", "grb"}
    coincidence = {"gcn_notice_id": TRIGGER, "observatory": "Fermi", "search": "GRB"}
    send(three, "INITIAL", 5, external_coinc=coincidence)
    send(final, "UPDATE", 30)

    event = NonLocalizedEvent.objects.get()
    grb.refresh_from_db()
    assert (event.event_id, grb.joined_to_id) == ("S261120gw", event.pk)
    areas = event.localizations.order_by("time").values_list("localization__area_90", flat=True)
    assert list(areas) == pytest.approx([187.5, 1096.1, 30.98, 16.16], abs=0.05)
    assert chosen_localization(event).localization.fits.tobytes() == final

    places = RankedCandidate.objects.as_of(newest_ranking(event)).in_order()
    assert places[0].candidate.target_id == at2017gfo.pk
    host = HostMatch.objects.filter(search__target=at2017gfo).order_by("-share")[0]
    assert (host.number, host.distance_mpc) == ("667145", 33.806)  # NGC 4993
    (distance,) = (term for term in places[0].read_terms() if term["name"] == "distance")
    assert distance["log_lr"] > 4

    client.force_login(make_observer())
    check_difference(client.get(f"/events/{event}/difference/").context, at2017gfo, other)


def check_difference(shown, rises, falls) -> None:
    """Between the three detectors' map and the catalogue's."""
    difference = shown["difference"]
    assert difference.shift_deg == pytest.approx(3.93, abs=0.01)
    assert difference.common_area == pytest.approx(15.87, abs=0.05)
    assert difference.later_in_earlier == pytest.approx(0.963, abs=0.001)
    moved = {row.candidate.target_id: row for row in shown["moved"]}
    rose, fell = moved[rises.pk], moved[falls.pk]
    assert rose.after.chance > rose.before.chance
    assert fell.after.chance < fell.before.chance
    assert rose.reason.name == "sky map"
    for row in (rose, fell):
        assert row.reason.name == moved_most(row.candidate, shown["before"], shown["after"])


def moved_most(candidate: EventCandidate, *sides) -> str:
    """The term whose weight differs most between the rankings by two maps, from their rows."""
    before, after = (
        {term["name"]: term["log_lr"] for term in place.read_terms()}
        for side in sides
        for place in RankedCandidate.objects.as_of(side.ranking).filter(candidate=candidate)
    )
    return max(before, key=lambda name: abs((after[name] or 0) - (before[name] or 0)))
