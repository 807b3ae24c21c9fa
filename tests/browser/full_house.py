"""A night with something of every kind, so that no page stands empty."""

from datetime import time, timedelta

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests import factories
from tests.browser.full_scans import fill_list, fill_scans
from tests.planning.plans import keep_plan
from tests.pointings.made import told
from tests.reports.alarms.conftest import make_contact, make_rule, make_shift, make_step
from tom.demo.cutouts import to_fits
from tom.events.models import Circular, NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.pointings.coverage import looks_of
from tom.pointings.estimating import wanted_efficiency, work_efficiency
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.keeping import upload_pointings
from tom.pointings.models import Pointing, Status
from tom.reports.alarms.alarms import try_contact
from tom.reports.alarms.contacts import Contact
from tom.reports.alarms.models import Alarm
from tom.reports.gcn.drafts import draft_circular
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Notification
from tom.shifts.claims import claim_target
from tom.shifts.models import Shift, Visit
from tom.shifts.services import write_note
from tom.streams.models import (
    ConnectionTest,
    FilterCount,
    FilterTrial,
    HeartbeatGap,
    Stream,
    StreamFilter,
    StreamHealth,
    TopicMinute,
)
from tom.targets.models import Cutout
from tom.web.comments import add_comment


def fill(person: User) -> list[str]:
    """Fill the site for an administrator; return the addresses of every kind of page."""
    event = factories.make_event("MS261120ab", time=timezone.now() - timedelta(hours=3))
    unmapped = factories.make_event("MS261120un", localized=False, significant=False, far=None)
    gone = factories.make_event(
        "MS261120rt", alert_types=("PRELIMINARY", "RETRACTION"), retracted=True
    )
    tested = factories.make_event("MS261120ts", test_reasons=["its id says so"])
    candidates = [
        factories.make_candidate(event, _full_target(rank), rank=rank, posterior=0.9 / rank)
        for rank in range(1, 5)
    ]
    candidates[2].vetting = "rejected"
    candidates[2].save()
    target = candidates[0].target
    add_comment(target, "It fades as it should.", by=person)
    request = _request(candidates[0].target, event, by=person)
    report = Report.objects.create(
        event=event, url="kafka://broker/topic", body={"title": "What we found"}, created_by=person
    )
    report.candidates.set(candidates[:2])
    dead = factories.make_message(b"\x00junk", state="dead", reason="no magic bytes")
    for state in ("received", "unhandled", "known"):
        factories.make_message(state=state)
    chain = event.sequences.first()
    assert chain is not None
    circular = Circular.objects.create(
        circular_id=40_000,
        subject="A candidate",
        body="We looked.\n" * 80,
        submitter="A. Person",
        event=event,
        created_on=timezone.now(),
        message=factories.make_message(topic="gcn.circulars"),
    )
    for number, about in enumerate(({"event": event}, {"target": target}, {"message": dead})):
        Notification.objects.create(
            user=person, kind="topic", cause=str(number), title="Something came", **about
        )
    Alarm.objects.create(
        event=event, cause="significant", title="MS261120ab: significant", body="-"
    )
    answered = Alarm.objects.create(event=gone, cause="retraction", title="MS261120rt", body="-")
    answered.acknowledged_by, answered.acknowledged_at = person, timezone.now()
    answered.save()
    StreamHealth.objects.create(stream="kafka.example", topic="igwn.gwalert", connected=False)
    _point(event, by=person)
    shift = _keep_watch(event, target, by=person)
    return [
        *(
            "/",
            "/events/",
            *(f"/events/{each.event_id}/" for each in (event, unmapped, gone, tested)),
        ),
        *(
            "/events/MS261120ab/?vetting=all&region=all",
            "/events/?kind=grb",
            "/events/MS261120ab/difference/",
            "/events/MS261120ab/coverage/",
            "/events/MS261120ab/coverage/upload/",
            "/events/MS261120ab/coverage/efficiency/",
            "/events/MS261120ab/tell/",
            "/events/MS261120ab/circular/",
            f"/events/MS261120ab/circular/{draft_circular(event, [], by=person).pk}/",
        ),
        *(f"/events/{each}/plan/" for each in ("MS261120ab", "MS261120un", "MS261120rt")),
        f"/events/MS261120ab/plan/{keep_plan(event, by=person).pk}/",
        *("/events/MS261120ab/scan/", "/events/MS261120un/scan/", *fill_scans(candidates, person)),
        "/events/MS261120ab/past/",
        f"/events/MS261120ab/candidates/{candidates[0].pk}/history/",
        *fill_list(target, person),
        *("/targets/", f"/targets/{target.pk}/?event=MS261120ab", f"/targets/{target.pk}/request/"),
        *(f"/targets/{target.pk}/points/", "/search/?q=nothing", "/search/?q=197.45 -23.38 4000"),
        *("/requests/", f"/requests/{request.pk}/", f"/reports/{report.pk}/"),
        *("/messages/", "/messages/?state=dead", f"/messages/{dead.pk}/"),
        *(f"/messages/{chain.message_id}/", f"/circulars/{circular.circular_id}/"),
        *("/notifications/", "/account/", "/team/", "/team/welcome/"),
        *("/alarms/", f"/alarms/rules/{make_rule('near').pk}/", "/alarms/gateway/"),
        *("/shift/", f"/shift/{shift.pk}/", "/shift/away/"),
        *fill_streams(),
    ]


def _keep_watch(event: NonLocalizedEvent, target: BaseTarget, *, by: User) -> Shift:
    """Fill the pages of shifts and alarms; return the shift that is over."""
    now, other = timezone.now(), factories.make_observer("bob")
    make_contact(by, name="my e-mail")
    rule = make_rule("any", quiet_from=time(23), quiet_to=time(7), has_ns=0.5, area_deg2=500.0)
    make_step(rule, other, on_shift=True)
    make_step(rule, make_contact(None, name="chat"), after=10)
    alarm = try_contact(Contact.objects.of_team().get(), by=by)
    alarm.sends.update(state="failed", reason="e-mail: the server said 550")
    make_shift(other)
    make_shift(by, hours=(2, 9))
    claim_target(target, by=other, now=now, event=event)
    Visit.objects.create(user=by, last=now, away_since=now - timedelta(hours=8))
    over = make_shift(by, hours=(-9, -1))
    write_note(over, "Two candidates are left.\nThe second fades.", by=by, now=now)
    return over


def fill_streams() -> list[str]:
    """Streams that are read, wait, lost messages and fail; return their pages."""
    now = timezone.now()
    credential = factories.make_credential(group=factories.make_group("streamers"))
    well = factories.make_stream("Hopskotch", topics=["sys.heartbeat"], credential=credential)
    factories.make_stream("Broken", topics=["b.topic", "c.topic"], active=True)
    Stream.objects.filter(pk=well.pk).update(active=True, changed=now - timedelta(hours=1))
    given = {"stream": "kafka.example.org", "reported": now, "last_heard": now}
    beating = StreamHealth.objects.create(
        topic="sys.heartbeat", connected=True, last_message=now, lag=120_345, **given
    )
    factories.make_stream("Survey", topics=["survey.alerts"], active=True)
    StreamHealth.objects.create(
        topic="survey.alerts",
        connected=True,
        last_message=now,
        lag=1_234_567,
        waits_for=23_456,
        lost=1_200,
        notice="the broker deleted 1,200 messages before they were read",
        noticed=now,
        **given,
    )
    Stream.objects.update(changed=now - timedelta(hours=1))
    for minute in range(50):
        began = (now - timedelta(minutes=minute)).replace(second=0, microsecond=0)
        TopicMinute.objects.create(health=beating, minute=began, messages=60 - minute)
    HeartbeatGap.objects.create(health=beating, began=now - timedelta(minutes=9), ended=now)
    for topic in ("b.topic", "c.topic"):
        fault = "there is no such host: check the address (it says: Failed to resolve)"
        StreamHealth.objects.create(topic=topic, detail=fault, **given)
    factories.make_message(topic="sys.heartbeat", broker="kafka.example.org", state="dead")
    row = {"topic": "sys.heartbeat", "partitions": 2, "messages": 12_345, "fault": ""}
    unknown = {"topic": "x" * 60, "partitions": 0, "messages": 0, "fault": "no such topic"}
    found = {"user": "observer", "topics": [row | {"newest": now.isoformat()}, unknown]}
    ConnectionTest.objects.create(stream=well, asked=now, finished=now, found=found)
    fill_filters(well)
    pages = ("/streams/", "/streams/new/", f"/streams/{well.pk}/", f"/streams/{well.pk}/filter/")
    return [*pages, f"/streams/credentials/{credential.pk}/"]


def fill_filters(stream: Stream) -> None:
    """A filter in force with what it did, and a draft with a trial."""
    now = timezone.now()
    rule = {"least_reliability": 0.65, "faintest": 20.5, "no_solar_system": True}
    in_force = StreamFilter.objects.create(stream=stream, began=now, in_regions=True, **rule)
    tonight = now.date() - timedelta(days=1)
    for outcome, messages in (("passed", 3_456), ("reliability", 123_456), ("place", 98_765)):
        given = {"filter": in_force, "outcome": outcome, "messages": messages}
        FilterCount.objects.create(night=tonight, **given)
    draft = StreamFilter.objects.create(
        stream=stream, cones=[[197.45, -23.38, 2.0]], programs=[1], least_dec=-30, **rule
    )
    night = {"night": tonight.isoformat(), "stored": 3456, "looked_at": 400}
    night["outcomes"] = {"passed": 12, "place": 388}
    empty = {"night": tonight.isoformat(), "stored": 0, "looked_at": 0, "outcomes": {}}
    FilterTrial.objects.create(
        filter=draft, asked=now, moved=now, finished=now, nights=[night, empty]
    )


def _point(event: NonLocalizedEvent, *, by: User) -> None:
    """Two telescopes that looked for the event, one of which is to look again."""
    began = timezone.now() - timedelta(hours=2)
    seen = [told("1", time=began), told("2", time=began, instrument="Ear", ra=199.0)]
    planned = told("3", time=timezone.now(), ra=201.0, status=Status.PLANNED)
    upload_pointings([*seen, planned], event=event, group=None, name="night.csv", by=by)
    compute_ranges(due_footprints())
    use = event.localizations.order_by("-time").first()
    assert use is not None
    assert event.time is not None
    looks = looks_of(Pointing.objects.filter(status=Status.COMPLETED))
    work_efficiency(wanted_efficiency(use.localization_id, looks, event.time).pk)


def _full_target(number: int):  # type: ignore[no-untyped-def]
    target = factories.make_target(ra=196.5 + number / 2)
    TargetName.objects.bulk_create([TargetName(target=target, name=f"AT2026{number}x")])
    factories.make_score(target)
    add_cutouts(target)
    return target


def add_cutouts(target: BaseTarget) -> None:
    """Give a target its three stamps."""
    for kind in ("science", "template", "difference"):
        Cutout.objects.create(
            target=target,
            kind=kind,
            time=timezone.now(),
            program=factories.make_program(),
            fits=to_fits(np.arange(63.0 * 63).reshape(63, 63), step=1.0),
        )


def _request(target, event, *, by: User) -> ObservationRequest:  # type: ignore[no-untyped-def]
    request = ObservationRequest.objects.create(
        target=target,
        event=event,
        facility="PRACTICE",
        instrument="PRACTICE-IMAGER",
        spec={"exposures": [{"element": "g", "seconds": 60, "count": 1}]},
        body={"name": target.name},
        key=f"{target.name}|T0",
        window_start=timezone.now(),
        window_end=timezone.now() + timedelta(days=1),
        created_by=by,
        state="completed",
    )
    request.exchanges.create(facility="PRACTICE", method="POST", url="", sent="{}", seconds=0.1)
    return request
