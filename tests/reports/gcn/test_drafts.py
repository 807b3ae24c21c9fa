"""Drafts of circulars: what they tell, what they never tell, their versions, and their link."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget

from tests.factories import (
    MERGER,
    make_candidate,
    make_event,
    make_group,
    make_observer,
    make_program,
    make_target,
)
from tests.pointings.made import told
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.pointings.estimating import due_efficiencies, work_efficiency
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Source, Status
from tom.reports.gcn.drafts import (
    ChangedMeanwhileError,
    draft_circular,
    link_of,
    save_version,
    text_to_give,
    why_not_given,
)
from tom.reports.gcn.models import CircularDraft
from tom.reports.gcn.text import Facts, sexagesimal, write_body
from tom.reports.public_data import CannotTellError, PrivateDataError
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten():
    cache.clear()


def newest(draft):
    return draft.versions.latest("number")


def lines(draft):
    return newest(draft).body.splitlines()


def keep(event, *pointings, group=None, source=Source.TABLE):
    keep_pointings(pointings, source=source, event=event, group=group)
    compute_ranges(due_footprints())


def test_it_is_filled_with_the_candidates_in_their_order_and_their_photometry():
    event = make_event("S261120ab")
    second = make_candidate(event, make_target("ZTF26second", ra=10.5, dec=0.25), rank=2)
    first = make_candidate(event, make_target("ZTF26first"), rank=1)

    draft = draft_circular(event, [second, first], by=make_observer("ann"))

    text = newest(draft)
    assert text.subject == "LIGO/Virgo/KAGRA S261120ab: 2 candidate counterparts"
    assert text.body.startswith("ann (Counterpart) reports:")
    rows = [line for line in lines(draft) if line.startswith("ZTF26") and "%" in line]
    assert [row.split()[0] for row in rows] == ["ZTF26first", "ZTF26second"]
    assert "13:09:48.00 | -23:22:48.0 | 197.45000 | -23.38000" in rows[0]
    assert "00:42:00.00 | +00:15:00.0 | 10.50000" in rows[1]
    measured = [line for line in lines(draft) if "+/-" in line and line.startswith("ZTF26first")]
    assert measured
    assert "Palomar" in measured[0]
    assert "program 1" in measured[0]
    assert any("> 20.80" in line for line in lines(draft))
    assert "Photometry: public data of " in text.body
    assert "Map: skymap by " in text.body
    assert draft.programs == ["program 1"] or "program 1" in draft.programs[0]
    assert text.body.isascii()


@pytest.mark.parametrize(
    ("sender", "author", "by"),
    [
        ("LVK", "bilby", "bilby of LVK"),
        ("LVK", "LVK", "LVK"),
        ("By hand", "demo", "demo"),
        ("", "", "an unnamed author"),
    ],
)
def test_it_names_who_made_the_map(sender: str, author: str, by: str):
    event = make_event("S261120ab")
    EventLocalization.objects.filter(pk=event.used_id).update(sender=sender, author=author)

    text = newest(draft_circular(event, [], by=make_observer("ann")))

    assert f"Map: skymap by {by}, " in text.body


def test_it_tells_what_public_pointings_cover_and_exclude_and_no_private_one():
    event, team = make_event("S261120ab"), make_group("team")
    keep(event, told("1"), told("2", ra=200.5, time=MERGER + timedelta(days=1)))
    keep(event, told("before", instrument="Early", time=MERGER - timedelta(days=1)))
    keep(event, told("plan", instrument="Later", status=Status.PLANNED))
    keep(event, told("3", instrument="Hidden"), group=team)
    by = make_observer("ann", groups=[team])
    without = draft_circular(event, [], by=by)
    assert "excluded" not in newest(without).body
    for pk in due_efficiencies(timezone.now()):
        work_efficiency(pk)

    body = newest(draft_circular(event, [], by=by)).body

    assert "2 pointings cover 6.2" in " ".join(body.split())
    assert "Eye (La Silla)" in body
    for name in ("Hidden", "Early", "Later"):
        assert name not in body
    assert "90%, whole map" in body
    assert "A source like AT2017gfo" in body
    assert "Villar et al. 2017" in body
    subject = newest(without).subject
    assert subject == "LIGO/Virgo/KAGRA S261120ab: coverage and upper limits"


@pytest.mark.parametrize(
    ("event_id", "kind", "start"),
    [("HAND-mine", "gw", "GW mine: "), ("HAND-GRB261120Z", "grb", "GRB261120Z: ")],
)
def test_an_event_made_by_hand_has_no_missions_name_before_its_own(event_id, kind, start):
    draft = draft_circular(make_event(event_id, kind=kind), [], by=make_observer())

    assert newest(draft).subject.startswith(start)
    assert f"a counterpart of {event_id.removeprefix('HAND-')}" in newest(draft).body
    assert "HAND-" not in newest(draft).body


def test_the_treasure_map_is_cited_where_its_pointings_count():
    event = make_event()
    keep(event, told("1"))
    assert "Wyatt" not in newest(draft_circular(event, [], by=make_observer())).body
    keep(event, told("2", ra=199.0), source=Source.TREASURE_MAP)

    assert "Wyatt et al. 2020" in newest(draft_circular(event, [], by=make_observer("bob"))).body


def test_what_is_private_is_refused():
    event, team = make_event(), make_group("team")
    by = make_observer("ann", groups=[team])
    hidden = make_target("secret", private=True, owners=[team])
    own = make_target("own", program=make_program(2, group=team))

    with pytest.raises(PrivateDataError, match="these are private: secret"):
        draft_circular(event, [make_candidate(event, hidden)], by=by)
    with pytest.raises(PrivateDataError, match="no public data: own"):
        draft_circular(event, [make_candidate(event, own)], by=by)
    with pytest.raises(PrivateDataError, match="only by private data"):
        draft_circular(event, [make_candidate(event, is_public=False)], by=by)
    with pytest.raises(CannotTellError, match="of this event"):
        draft_circular(event, [make_candidate(make_event())], by=by)
    assert not CircularDraft.objects.exists()


def test_private_points_of_a_public_target_are_left_out():
    event, team = make_event(), make_group("team")
    target = make_target("ZTF26both")
    private = make_program(2, group=team)
    point = LightCurvePoint.objects.filter(target=target).latest("time")
    LightCurvePoint.objects.create(
        target=target, survey="ZTF", kind=point.kind, key="secret", time=MERGER, band="i",
        flux=1e6, flux_error=1e3, program=private,
    )  # fmt: skip

    body = newest(draft_circular(event, [make_candidate(event, target)], by=make_observer())).body

    assert private.name not in body
    assert " i " not in body


def test_of_a_long_history_the_discovery_is_told_and_what_is_left_out():
    event = make_event()
    target, short = make_target("ZTF26long", points=15), make_target("ZTF26short", ra=10.0)
    kind = LightCurvePoint.objects.filter(target=target).earliest("time").kind
    for days in range(20, 40):
        LightCurvePoint.objects.create(
            target=target, survey="ZTF", kind=kind, key=f"{days}", flux_error=1e3, band="r",
            time=MERGER - timedelta(days=days), program=make_program(),
        )  # fmt: skip

    candidates = [make_candidate(event, each) for each in (target, short)]
    draft = draft_circular(event, candidates, by=make_observer())

    told = [line for line in lines(draft) if line.startswith("ZTF26long") and "Palomar" in line]
    assert f"{MERGER - timedelta(days=2):%Y-%m-%d %H:%M:%S}" in told[0]
    assert f"{MERGER + timedelta(hours=14):%Y-%m-%d %H:%M:%S}" in told[1]
    assert len(told) == 12
    assert [line for line in lines(draft) if "left out" in line] == [
        "24 more rows are left out of ZTF26long."
    ]


def test_no_candidates_probability_is_told_as_certain():
    event = make_event()
    candidate = make_candidate(event, make_target("ZTF26sure"))
    candidate.posterior = 0.9999
    facts = Facts(event=event, use=None, candidates=[candidate])

    assert "| > 0.99 |" in write_body(facts, author="ann")


def test_each_text_is_kept_with_its_author_and_nobody_overwrites_another():
    ann, bob = make_observer("ann"), make_observer("bob")
    draft = draft_circular(make_event("S261120ab"), [], by=ann)
    first = newest(draft)

    save_version(draft, subject=first.subject, body="Mended.\r\nTwice.", after=1, by=bob)
    save_version(draft, subject=first.subject, body="Mended.\nTwice.\n", after=2, by=bob)
    with pytest.raises(ChangedMeanwhileError, match="bob saved version 2 meanwhile"):
        save_version(draft, subject=first.subject, body="Mine.", after=1, by=ann)

    kept = draft.versions.values_list("number", "created_by__username", "body")
    assert list(kept) == [(1, "ann", first.body), (2, "bob", "Mended.\nTwice.\n")]


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("", "text", "the subject has 1 to"),
        ("GRB 1", "  \n", "the text has 1 to"),
        ("GRB 1" + "x" * 200, "text", "the subject has 1 to"),
        ("S261120ab", "text", "one of its words"),
    ],
)
def test_a_text_that_gcn_would_not_take_is_not_kept(subject, body, why):
    by = make_observer()
    draft = draft_circular(make_event(), [], by=by)

    with pytest.raises(CannotTellError, match=why):
        save_version(draft, subject=subject, body=body, after=1, by=by)
    assert draft.versions.count() == 1


# --- The way out ------------------------------------------------------------------------------
def test_a_live_events_draft_opens_gcns_form_with_its_text():
    draft = draft_circular(make_event("S261120ab"), [], by=make_observer())
    version = newest(draft)

    asked = parse_qs(urlsplit(link_of(version)).query)

    assert asked == {"subject": [version.subject], "body": [version.body]}
    assert why_not_given(draft) == ""


def test_a_test_events_draft_says_so_and_has_no_link_whatever_a_person_writes():
    by = make_observer()
    event = make_event("MS261120ab", test_reasons=["its id begins with MS"])
    draft = draft_circular(event, [make_candidate(event)], by=by)
    version = save_version(draft, subject="LIGO real", body="We saw it.", after=1, by=by)

    subject, body = text_to_give(version)

    assert newest(draft_circular(event, [], by=by)).subject.startswith("TEST: ")
    assert subject == "TEST: LIGO real"
    assert body.startswith("THIS IS A TEST, NOT A CIRCULAR: MS261120ab is a test event.\n\nWe saw")
    assert link_of(version) == ""
    assert "its id begins with MS" in why_not_given(draft)


def test_a_draft_of_an_event_that_is_retracted_says_so_and_loses_its_link():
    event = make_event("S261120ab")
    draft = draft_circular(event, [], by=make_observer())
    assert link_of(newest(draft))

    NonLocalizedEvent.objects.update(retracted=True)

    version = newest(CircularDraft.objects.get())
    subject, body = text_to_give(version)
    assert subject.startswith("RETRACTED: LIGO/Virgo/KAGRA S261120ab")
    assert body.startswith("S261120ab WAS RETRACTED.\n\n")
    assert link_of(version) == ""
    retracted = NonLocalizedEvent.objects.get()
    late = newest(draft_circular(retracted, [], by=make_observer("bob")))
    assert late.body.count("WAS RETRACTED") == text_to_give(late)[1].count("WAS RETRACTED") == 1


def test_a_draft_loses_its_link_and_its_readers_when_a_candidate_becomes_private():
    event = make_event()
    candidate = make_candidate(event)
    draft = draft_circular(event, [candidate], by=make_observer("ann"))
    stranger = make_observer("stranger")
    assert CircularDraft.objects.visible_to(stranger).count() == 1

    BaseTarget.objects.filter(pk=candidate.target_id).update(
        permissions=BaseTarget.Permissions.PRIVATE
    )
    draft = CircularDraft.objects.get()

    assert link_of(newest(draft)) == ""
    assert "these are private" in why_not_given(draft)
    assert CircularDraft.objects.visible_to(stranger).count() == 0


@given(st.floats(-90, 90))
def test_sexagesimal_degrees_say_the_same_place(dec):
    text = sexagesimal(dec, 90, sign=True)

    degrees, minutes, seconds = text[1:].split(":")
    value = int(degrees) + int(minutes) / 60 + float(seconds) / 3600
    assert int(minutes) < 60
    assert float(seconds) < 60
    assert (-value if text[0] == "-" else value) == pytest.approx(dec, abs=0.051 / 3600)


def test_an_hour_that_rounds_up_to_a_day_is_none():
    assert sexagesimal(359.9999999 / 15, 24) == "00:00:00.00"
    assert sexagesimal(197.45037 / 15, 24) == "13:09:48.09"
    assert sexagesimal(-0.5, 90, sign=True) == "-00:30:00.0"
