"""Everybody sees what their own points give, wherever a number is shown, and nothing of others'.

Each person's pages and API are compared with those of a second world, in which only the alerts and
the points are stored that this person may read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import unified_diff

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests.factories import (
    MERGER,
    make_admin,
    make_event,
    make_group,
    make_observer,
    make_program,
)
from tests.followup.conftest import make_request
from tests.targets.alerts import NIGHT, make_alert, make_limit, make_point
from tom import intake, moments
from tom.candidates.by_hand import upload_points
from tom.candidates.models import EventCandidate, Vetting
from tom.candidates.services import match_targets
from tom.candidates.verdicts import give_verdict
from tom.events.locks import hold_events
from tom.followup.models import ObservationRequest
from tom.ranking.services import rank_event
from tom.records.alert import ObjectAlert, Point, PointKind, flux_of_magnitude
from tom.scoring.judging import score_due
from tom.targets.audiences import readable_programs
from tom.targets.by_hand import Measured, program_of
from tom.targets.models import AudienceSummary, Program, SummaryFact, TargetSummary
from tom.targets.settling import due_programs, settle_anew
from tom.targets.store import store_alerts
from tom.web.comments import add_comment

pytestmark = pytest.mark.django_db

EVENT = "S261120au"
# Programs of groups A, B and C; 1 is public.
A, B, C = 2, 3, 4


def shift(alert: ObjectAlert) -> ObjectAlert:
    """Move an alert and its points from `NIGHT` to `MERGER`."""
    move = MERGER - NIGHT
    points = tuple(replace(point, time=point.time + move) for point in alert.points)
    return replace(alert, time=alert.time + move, points=points, first_seen=alert.first_seen + move)


def pair(name: str, *, days: float, magnitude: float, program: int) -> list[Point]:
    """Detections in two bands at one visit, forced photometry of it, and a limit before."""
    detected = make_point(f"{name}g", days=days, magnitude=magnitude, program=program)
    forced = replace(detected, key=f"{name}f", kind=PointKind.FORCED)
    red = make_point(f"{name}r", days=days, magnitude=magnitude + 0.3, band="r", program=program)
    return [detected, red, forced, make_limit(f"{name}l", days=days - 0.4, program=program)]


def alert(
    name: str, program: int, *points: Point, days: float, magnitude: float, ra: float
) -> ObjectAlert:
    """An alert of a program at a place of its own, with a history of any programs."""
    key = f"{name}-{program}-{days}"
    trigger = make_point(key, days=days, magnitude=magnitude, program=program, trigger=True)
    made = make_alert(name, *points, trigger, ra=ra + program * 1e-4, dec=-23.4, program=program)
    scores = {"rb": 0.5 + program / 20, "drb": 0.6 + program / 20}
    return shift(replace(made, alert_id=key, time=trigger.time, scores=scores))


def night() -> list[ObjectAlert]:
    two, own, opened, shared = "ZTF26two", "ZTF26own", "ZTF26opened", "ZTF26shared"
    public = pair("public", days=0.6, magnitude=19.5, program=1)
    third = pair("third", days=0.4, magnitude=17.2, program=C)
    return [
        # A private target of two groups, with history points of a third's and public ones.
        alert(two, A, *third, *public, days=1.0, magnitude=18.2, ra=197.40),
        alert(two, B, *pair("b", days=0.8, magnitude=18.9, program=B), days=2.0, magnitude=19.1,
              ra=197.40),
        # A private target of one group.
        alert(own, A, *pair("own", days=0.5, magnitude=18.0, program=A), days=1.5, magnitude=18.5,
              ra=197.50),
        # A target that A and B knew before it was public.
        alert(opened, A, *pair("o", days=0.3, magnitude=18.1, program=A), days=0.7, magnitude=18.3,
              ra=197.60),
        alert(opened, B, days=0.9, magnitude=18.6, ra=197.60),
        alert(opened, 1, *pair("po", days=1.1, magnitude=19.2, program=1), days=1.9,
              magnitude=19.4, ra=197.60),
        # A public target on which A has points of its own.
        alert(shared, 1, *pair("s", days=0.5, magnitude=19.0, program=1), days=1.2, magnitude=19.3,
              ra=197.70),
        alert(shared, A, *pair("sa", days=0.6, magnitude=17.8, program=A), days=2.4,
              magnitude=18.8, ra=197.70),
    ]  # fmt: skip


@pytest.fixture
def people() -> dict[str, User]:
    groups = {program: make_group(f"group {program}") for program in (A, B, C)}
    make_program()
    for program, group in groups.items():
        made = make_program(program, group=group)
        Program.objects.filter(pk=made.pk).update(settled=made.standing)
    make_event(EVENT)
    return {
        "stranger": make_observer("stranger"),
        "a": make_observer("a", groups=[groups[A]]),
        "b": make_observer("b", groups=[groups[B]]),
        "both": make_observer("both", groups=[groups[A], groups[B]]),
        "c": make_observer("c", groups=[groups[C]]),
        "admin": make_admin("admin"),
    }


def store(alerts: Iterable[ObjectAlert]) -> None:
    """Store alerts one by one, then score and rank."""
    for each in alerts:
        hold_events()
        match_targets(store_alerts([each]).changed)
    compute()


def compute() -> None:
    from tom.events.models import NonLocalizedEvent

    while score_due(most=100):
        pass
    rank_event(NonLocalizedEvent.objects.get(event_id=EVENT))


def settle() -> None:
    """What the sweep wakes, until nothing is due."""
    for program in due_programs():
        while intake.settle_program(program.pk):
            pass
    compute()


def readable_by(user: User, alerts: Sequence[ObjectAlert]) -> list[ObjectAlert]:
    """The alerts and the points of them that a person may read."""
    mine = Program.objects.filter(pk__in=readable_programs(user)).values_list("number", flat=True)
    numbers = {*mine, *Program.objects.filter(public=True).values_list("number", flat=True)}
    left: dict[str, dict[str, Point]] = {}
    for each in alerts:
        points = {point.key: point for point in each.points if point.program in numbers}
        left.setdefault(each.object_id, {}).update(points if each.program not in numbers else {})
    return [
        replace(
            each,
            points=(
                *(point for point in each.points if point.program in numbers),
                *left[each.object_id].values(),
            ),
        )
        for each in alerts
        if each.program in numbers
    ]


def talk(by: User) -> None:
    """Ask for a private target, comment on it, and upload a bright point of a public one."""
    own, shared = (BaseTarget.objects.get(name=name) for name in ("ZTF26own", "ZTF26shared"))
    make_request(own, by)
    add_comment(own, "SAID-PRIVATELY", by=by)
    candidate = EventCandidate.objects.get(target=own, event__event_id=EVENT)
    give_verdict(candidate, Vetting.PROMISING, by=by, note="THOUGHT-PRIVATELY")
    flux = flux_of_magnitude(16.9)
    time = MERGER + timedelta(days=2.6)
    point = Measured(PointKind.ALERT, time, "r", flux, flux / 30, "OWN-TELESCOPE")
    group = by.groups.get(name=f"group {A}")
    more = {"program": program_of(group), "name": "OWN-FILE", "by": by, "now": time}
    upload_points(shared, [point], **more)
    compute()


def is_told(user: User) -> bool:
    """Whether a person may know what `talk` brings: a member of A's group, or an administrator."""
    return user.is_superuser or user.groups.filter(name=f"group {A}").exists()


def addresses() -> list[str]:
    # The map at one moment: the Sun and the Moon stand elsewhere a minute later.
    event, at = f"/events/{EVENT}/", "at=2026-11-21+00:00"
    lists = [f"/targets/?order={order}" for order in ("seen", "new", "bright", "name")]
    orders = ("rank", "decide", "level", "magnitude", "newest")
    tables = [f"{event}?part=candidates&region=all&order={order}&{at}" for order in orders]
    shown = ["/", *lists, "/events/", f"{event}?{at}", *tables, f"{event}candidates.csv?region=all"]
    shown += [f"{event}tell/", "/search/?q=ZTF26", "/api/targets/", f"/api{event}candidates/"]
    # A place tells, too: of which points a cone finds a target, and how far from its middle.
    for ra in ("197.4002", "197.4003", "197.5002", "197.6002"):
        for radius in ("0.2", "60"):
            shown += [f"/targets/?q={ra}+-23.4+{radius}"]
            shown += [f"/api/targets/?ra={ra}&dec=-23.4&radius_arcsec={radius}"]
    shown += ["/requests/", "/requests/?state=under-way", "/api/requests/", "/notifications/"]
    for pk in ObservationRequest.objects.values_list("pk", flat=True):
        shown += [f"/requests/{pk}/", f"/api/requests/{pk}/"]
    for pk in BaseTarget.objects.order_by("name").values_list("pk", flat=True):
        page = f"/targets/{pk}/"
        shown += [page, f"{page}lightcurve.json", f"/api{page}"]
        shown += [f"/api{page}lightcurve/", f"/api{page}scores/"]
        shown += [f"{page}points/", f"{page}points/?sort=magnitude", f"{page}points.csv"]
        shown += [f"{page}photometry/", f"{page}request/"]
    return shown


def told(user: User) -> dict[str, str]:
    """All that a person is told, less what differs between two worlds: keys, versions, ages."""
    client = Client()
    client.force_login(user)
    names = {str(pk): name for pk, name in BaseTarget.objects.values_list("pk", "name")}
    found = {}
    for address in addresses():
        response = client.get(address, follow=True)
        if response.status_code == 404:
            continue
        text = plain(response.content.decode(), names)
        found[plain(address, names)] = without_now(text) if "request" in address else text
    return found


def without_now(text: str) -> str:
    """A request's page without its own times, and the form's without tonight."""
    text = re.sub(r"<svg.*?</svg>", "", text, flags=re.S)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?", "", text)
    return re.sub(r"\b\d\d:\d\d\b|\d+\.\d h|\d+°", "", text)


def differences(one: dict[str, str], other: dict[str, str]) -> str:
    """What two persons, or one in two worlds, are told differently."""
    lines = [
        line
        for address in sorted({*one, *other})
        for line in unified_diff(
            parts(one.get(address, "")), parts(other.get(address, "")), address, n=0, lineterm=""
        )
    ]
    return "\n".join(lines)


def without_older_scores(found: dict[str, str]) -> dict[str, str]:
    """Scores are kept: what was public once may be among the older ones of one's own."""
    return {
        address: re.sub(r'<details class="older".*?</details>', "", text, flags=re.S)
        for address, text in found.items()
        if not address.endswith("/scores/")
    }


def parts(text: str) -> list[str]:
    return re.split(r"[>,]", " ".join(text.split()))


def plain(text: str, names: dict[str, str]) -> str:
    text = text.rpartition("<main")[2].partition("</main>")[0]  # without the clock and the bell
    text = re.sub(r"targets/(\d+)", lambda found: f"targets/{names.get(found[1], '?')}", text)
    text = re.sub(r'"target":(\d+)', lambda found: f'"target":{names.get(found[1], "?")}', text)
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|"csrf": ?"\w+"|X-CSRF[^}]*', "", text)
    text = re.sub(r'candidate[-s"/= a-z]*\d+|data-after="\d+"|after=\d+', "", text)
    text = re.sub(r'"(id|version|data_version|created|vetted)":("[^"]*"|\d+|null)', "", text)
    text = re.sub(r'<script.*?</script>|nonce="[^"]*"', "", text, flags=re.S)
    text = re.sub(r"(requests?|undo|photometry)[/:-]\d+|\d+(?=:\d+:OWN-TELESCOPE)", "", text)
    text = re.sub(
        r'value="[\d-]+(T[\d:]+)?"|vet-\d+|claim[-:]\d+|(rejection|note|reason)[a-z-]*-\d+',
        "",
        text,
    )
    # The random keys of requests and of verdicts.
    text = re.sub(r"\|T[0-9a-f]{20}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", "", text)
    # What was computed in this test was computed at another moment of it.
    today = datetime.now(UTC).date().isoformat()
    text = re.sub(rf'<time datetime="{today}[^>]*>', "", text)
    return re.sub(r"\d+(\.\d+)? ?(s|min|h|d)( ago)?\b", "", text)


@pytest.mark.parametrize(
    "name",
    ["both", *(pytest.param(n, marks=pytest.mark.soak) for n in ("stranger", "a", "b", "admin"))],
)
def test_a_person_is_told_what_their_own_points_alone_give(people, name):
    user = people[name]
    with transaction.atomic():
        store(readable_by(user, night()))
        if is_told(user):
            talk(people["a"])
        alone = told(user)
        transaction.set_rollback(True)

    store(night())
    talk(people["a"])

    among_others = told(user)
    assert among_others.keys() == alone.keys()
    assert not differences(alone, among_others)
    assert len(BaseTarget.objects.all()) == 4


def figures(user: User, name: str) -> dict[str, object] | None:
    """The summary of a target as the API tells it to a person; None: there is no such target."""
    client = Client()
    client.force_login(user)
    rows = client.get("/api/targets/", {"name": name}).json()["results"]
    summary: dict[str, object] | None = rows[0]["summary"] if rows else None
    return summary


def test_the_owner_of_a_point_in_a_history_sees_the_target_and_no_others_points(people):
    store(night())

    seen = figures(people["c"], "ZTF26two")
    client = Client()
    client.force_login(people["c"])
    target = BaseTarget.objects.get(name="ZTF26two")

    assert seen is not None
    assert (seen["n_detections"], seen["n_limits"]) == (4, 2)  # of C and of the public program
    assert seen["peak_magnitude"] == pytest.approx(17.2)
    assert seen["alert_values"] == {}
    points = client.get(f"/api/targets/{target.pk}/lightcurve/").json()["results"]
    assert {point["program"] for point in points} == {"program 1", f"program {C}"}
    assert client.get(f"/targets/{target.pk}/").status_code == 200


def test_a_program_given_to_another_group_is_read_by_its_members_alone(people):
    store(night())
    before = figures(people["a"], "ZTF26own")
    assert figures(people["b"], "ZTF26own") is None

    program = Program.objects.get(number=A)
    program.group = people["b"].groups.get(name=f"group {B}")
    program.save()
    # At once, whatever is still to be settled: nobody reads what is not theirs any more.
    assert figures(people["a"], "ZTF26two") is figures(people["a"], "ZTF26own") is None
    assert figures(people["both"], "ZTF26two") is not None
    assert "ZTF26own" not in "".join(told(people["a"]).values())
    settle()

    assert figures(people["a"], "ZTF26own") is None
    assert figures(people["b"], "ZTF26own") == before | {"version": before["version"] + 1}
    assert due_programs() == []
    with transaction.atomic():
        alone = told(people["b"])
        BaseTarget.objects.all().delete()
        store(readable_by(people["b"], night()))
        again = told(people["b"])
        transaction.set_rollback(True)
    assert not differences(without_older_scores(alone), without_older_scores(again))


@pytest.mark.parametrize(
    "name", ["stranger", *(pytest.param(n, marks=pytest.mark.soak) for n in ("a", "b"))]
)
def test_a_program_made_public_is_as_if_it_always_was(people, name):
    store(night())
    Program.objects.filter(number=A).update(public=True, group=None)
    settle()
    after = told(people[name])
    BaseTarget.objects.all().delete()

    store(night())

    again = told(people[name])
    assert not differences(without_older_scores(after), without_older_scores(again))


def test_what_a_program_told_is_gone_once_it_is_public_no_more(people):
    Program.objects.filter(number=A).update(public=True, settled="public")
    store(night())
    closing = moments.now().time
    Program.objects.filter(number=A).update(public=False)
    settle()
    assert not SummaryFact.objects.filter(
        target__name="ZTF26shared", stored__lt=closing, programs=[]
    ).exists()
    after = {name: figures(people["stranger"], name) for name in ("ZTF26opened", "ZTF26shared")}
    first_sight = TargetSummary.objects.get(target__name="ZTF26opened").first_seen
    assert figures(people["stranger"], "ZTF26own") is None
    assert figures(people["a"], "ZTF26own") is not None
    BaseTarget.objects.all().delete()

    store(night())

    # What an older public alert said of the surroundings comes back with the next one.
    computed = ("n_detections", "n_limits", "last_detection", "last_magnitude", "peak_magnitude")
    for name, seen in after.items():
        again = figures(people["stranger"], name)
        assert [seen[key] for key in computed] == [again[key] for key in computed]
    assert after["ZTF26shared"]["alert_values"] == {}
    # What a private alert said of the first sight is gone, too: the public points begin later.
    assert first_sight == MERGER + timedelta(days=1.1)


def test_what_a_closed_program_told_is_hidden_before_it_is_settled(people):
    Program.objects.filter(number=A).update(public=True, settled="public")
    store(night())
    shared = BaseTarget.objects.get(name="ZTF26shared")
    Program.objects.filter(number=A).update(public=False)

    at_once = told(people["stranger"])
    own = figures(people["a"], "ZTF26shared")
    settle()

    everything = "".join(at_once.values())
    assert [
        name for name in ("two", "own", "opened", "shared") if f"ZTF26{name}" in everything
    ] == []
    assert own is not None
    client = Client()
    client.force_login(people["stranger"])
    assert client.get(f"/targets/{shared.pk}/").status_code == 200


def test_a_new_member_of_a_group_hides_nothing_from_others(people):
    store(night())
    before = figures(people["stranger"], "ZTF26shared")

    settle_anew(people["a"].groups.get(name=f"group {A}"))

    assert due_programs() != []
    assert figures(people["stranger"], "ZTF26shared") == before is not None


def test_the_mirror_holds_what_is_public(people):
    store(night())

    mirrored = PhotometryReducedDatum.objects.values_list("target__name", "source_location")
    assert "ZTF26own" not in {name for name, _ in mirrored}
    assert not [key for _, key in mirrored if key.split(":")[1][0] in "tab"]


def test_what_is_private_changes_nothing_of_the_public_row(people):
    shared = [each for each in night() if each.object_id == "ZTF26shared"]
    store(shared[:1])
    before = TargetSummary.objects.values().get()

    store(shared[1:])

    assert TargetSummary.objects.values().get() == before
    assert AudienceSummary.objects.get().n_detections == before["n_detections"] + 3
