"""An upgrade from before audiences were told apart: nothing private shows, nothing is lost."""

import gc
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests.bench import intake
from tests.bench.nights import demonstration_night
from tests.factories import (
    MERGER,
    make_event,
    make_group,
    make_lead,
    make_message,
    make_observer,
    make_program,
)
from tests.followup.conftest import make_request
from tests.recovery.soak import QUERIES
from tests.web.test_audiences import EVENT, A, B, figures, night, settle, store
from tom.candidates.by_hand import upload_points
from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.candidates.verdicts import give_verdict
from tom.demo.night import Message
from tom.events.localizations import chosen_localization
from tom.events.models import NonLocalizedEvent, Region, RegionRange
from tom.followup.models import ObservationRequest
from tom.joining.services import join_targets, undo
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.reports.alarms.models import Alarm, AlarmSend
from tom.scoring.models import Score
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, StreamHealth
from tom.targets.by_hand import Measured, program_of
from tom.targets.models import Cutout, LightCurvePoint, PointKind, Program, TargetSummary
from tom.targets.objects import SurveyObject
from tom.targets.owners import share_targets
from tom.targets.settling import due_programs
from tom.web.permissions import MANAGE_STREAMS, VIEW_STREAMS, ensure_roles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

BEFORE = [
    ("streams", "0001_initial"),
    ("targets", "0006_point_upload"),
    ("scoring", "0001_initial"),
    ("candidates", "0004_first_verdicts"),
    ("followup", "0002_strays"),
]
# From before an object was known by its survey and its id.
BY_NAME = [("targets", "0011_program_has_readers")]
# From before regions of maps were kept, and before rules were strategies.
BEFORE_REGIONS = [("candidates", "0008_look")]
OWN, OPENED, SHARED = "ZTF26own", "ZTF26opened", "ZTF26shared"


@pytest.fixture
def people() -> dict[str, User]:
    group = make_group("group A")
    make_program()
    # As it was computed then: from everybody's points, for whoever might see the target.
    Program.objects.filter(pk=make_program(A, group=group).pk).update(public=True)
    make_event(EVENT)
    return {"a": make_observer("alice", groups=[group]), "stranger": make_observer("sid")}


def fill(people: dict[str, User]) -> None:
    """A night, a private target, and what its group said and asked of that and of one opened."""
    names = (OWN, OPENED, SHARED)
    store(alert for alert in night() if alert.object_id in names and alert.program != B)
    BaseTarget.objects.exclude(name=SHARED).update(permissions=BaseTarget.Permissions.PRIVATE)
    group = people["a"].groups.get(name="group A")
    ids = BaseTarget.objects.exclude(name=SHARED).values_list("pk", flat=True)
    share_targets({(pk, group.pk) for pk in ids})
    for candidate in EventCandidate.objects.exclude(target__name=SHARED):
        give_verdict(candidate, Vetting.REJECTED, by=people["a"], note="SAID-PRIVATELY")
        make_request(candidate.target, people["a"])
    BaseTarget.objects.filter(name=OPENED).update(
        permissions=BaseTarget.Permissions.PUBLIC, created=timezone.now()
    )
    Program.objects.filter(number=A).update(public=False)
    make_message(kind="unknown", state="dead", reason="not a packet: plain text: '17.3 mag'")


def upgrade(before: list[tuple[str, str]] = BEFORE) -> None:
    """Go back to the tables of before with the rows that are there, and through the upgrade."""
    Cutout.objects.all().delete()  # of which there were fewer then
    with at_tables(before):
        pass


@contextmanager
def at_tables(before: list[tuple[str, str]]) -> Iterator[None]:
    """Have the tables of before for the block."""
    gc.disable()  # each step makes hundreds of classes: looking through them takes a quarter of it
    try:
        MigrationExecutor(connection).migrate(before)
        yield
    finally:  # whatever happens: other tests want today's tables
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
        gc.enable()


@pytest.mark.soak
def test_nothing_private_shows_after_an_upgrade_and_everybody_keeps_their_own(people) -> None:
    with transaction.atomic():
        fill(people)
    before = TargetSummary.objects.get(target__name=OWN).n_detections
    upgraded = timezone.now()

    upgrade()
    assert [program.number for program in due_programs()] == [A]
    with transaction.atomic():
        settle()

    assert_nothing_private_shows(people, n_own=before, upgraded=upgraded)
    assert_what_was_private_is_its_group_s(people)


def assert_nothing_private_shows(people: dict[str, User], *, n_own: int, upgraded: datetime):
    assert figures(people["stranger"], OWN) is None
    assert figures(people["a"], OWN)["n_detections"] == n_own
    # Of the points of the public program alone, as the night has them.
    shared = figures(people["stranger"], SHARED)
    assert (shared["n_detections"], shared["alert_values"]) == (3, {})
    assert shared["peak_magnitude"] == pytest.approx(19.0)
    assert figures(people["a"], SHARED)["peak_magnitude"] == pytest.approx(17.8)
    public = {"programs": [], "created__lt": upgraded}
    assert not Score.objects.filter(**public).exists()
    places = RankedCandidate.objects.filter(programs=[], ranking__created__lt=upgraded)
    assert not places.filter(candidate__target__name__in=(OWN, SHARED)).exists()


def assert_what_was_private_is_its_group_s(people: dict[str, User]):
    """What a group said and asked privately is still its own."""
    assert not Verdict.objects.filter(is_public=True).exists()
    assert not ObservationRequest.objects.filter(is_public=True).exists()
    guards = ObservationRequest.objects.values_list("guard", flat=True)
    assert all(guard.endswith(":private") for guard in guards)
    assert EventCandidate.objects.get(target__name=OPENED).vetting == Vetting.NEW
    assert EventCandidate.objects.get(target__name=OWN).vetting == Vetting.REJECTED
    assert AlertMessage.objects.get(kind="unknown").reason == "not a packet: plain text"
    for name, counts in (("a", (2, 2)), ("stranger", (0, 0))):
        verdicts = Verdict.objects.visible_to(people[name]).count()
        requests = ObservationRequest.objects.visible_to(people[name]).count()
        assert (verdicts, requests) == counts
    client = Client()
    client.force_login(people["stranger"])
    assert "SAID-PRIVATELY" not in client.get(f"/events/{EVENT}/?vetting=all&region=all").text


@pytest.mark.soak
def test_an_upgrade_writes_the_regions_of_kept_maps() -> None:
    event = make_event()
    wanted = dict.fromkeys(event.localizations.values_list("localization", flat=True), 0.95)
    Strategy.objects.filter(kind="gw").update(level_stored=0.95)
    Region.objects.all().delete()

    upgrade(BEFORE_REGIONS)

    assert len(wanted) == 3
    assert dict(Region.objects.values_list("localization", "level")) == wanted
    assert RegionRange.objects.values("region").distinct().count() == 3
    assert Strategy.objects.get(kind="gw").level_stored == 0.95
    assert Strategy.objects.filter(kind="", active=True).count() == 2
    event.refresh_from_db()
    assert event.used == chosen_localization(event)


@pytest.mark.soak
def test_after_an_upgrade_a_target_is_the_object_of_its_name_and_keeps_its_points(people) -> None:
    with transaction.atomic():
        fill(people)
        upload(BaseTarget.objects.get(name=SHARED), people["a"])
    columns = ("pk", "target", "survey", "kind", "key", "time", "flux", "program", "object")
    points = set(LightCurvePoint.objects.values_list(*columns))
    objects = {row.key: row for row in SurveyObject.objects.all()}
    assert len(objects) == 4  # three of ZTF, one by hand

    upgrade(BY_NAME)

    kept = set(LightCurvePoint.objects.values_list(*columns[:-1]))
    assert kept == {row[:-1] for row in points}
    for row in SurveyObject.objects.all():
        was = objects.pop(row.key)
        assert (row.target_id, row.programs) == (was.target_id, was.programs)
        assert (row.ra, row.dec) == (was.target.ra, was.target.dec)
    assert not objects
    for point in LightCurvePoint.objects.select_related("object"):
        assert (point.object.survey, point.object.target_id) == (point.survey, point.target_id)
    with transaction.atomic():  # and the next alert finds it
        store(alert for alert in night() if alert.object_id == OWN)
    assert BaseTarget.objects.count() == 3


def upload(target: BaseTarget, user: User) -> None:
    """A point of everybody's, brought by a person."""
    point = Measured(PointKind.FORCED, MERGER, "r", flux_njy=3000.0, flux_error_njy=100.0)
    upload_points(
        target, [point], program=program_of(None), name="mine", by=user, now=timezone.now()
    )


# The tables before objects had surveys, before moments, outbox and rankings made again.
OF_THE_NIGHT = [
    ("streams", "0003_headers"),
    ("targets", "0011_program_has_readers"),
    ("events", "0005_regions"),
    ("candidates", "0009_first_regions"),
    ("scoring", "0006_basis"),
    ("followup", "0004_private_requests"),
    ("reports", "0001_initial"),
    ("live", "0002_addresses"),
]
RANKS = "SELECT t.name, c.rank FROM candidates_eventcandidate c "
RANKS += "JOIN tom_targets_basetarget t ON t.id = c.target_id ORDER BY c.rank"
VERDICTS = "SELECT candidate_id, by_id, verdict, reason, created FROM candidates_verdict ORDER BY 1"
REQUESTS = "SELECT key, state, target_id, facility FROM followup_observationrequest ORDER BY 1"
SCORES = "SELECT target_id, scorer, data_version, probability::text, sigma FROM scoring_score "
SCORES += "ORDER BY 1, 2, 3"
MESSAGES = "SELECT id, sha256, topic, kind, state, md5(payload) FROM streams_alertmessage "
MESSAGES += "ORDER BY 1"
ALARMS = "SELECT a.event_id, a.cause, s.channel, s.state FROM reports_alarm a "
ALARMS += "JOIN reports_alarmsend s ON s.alarm_id = a.id ORDER BY 1"
CHANGES = "SELECT id, topic, key, user_id FROM live_change ORDER BY 1"


def held() -> dict[str, list[tuple[object, ...]]]:
    """What a site holds, by what the upgrade must not lose."""
    extra = {"ranks": RANKS, "scores": SCORES, "verdicts": VERDICTS, "requests": REQUESTS}
    more = {"kept": MESSAGES, "alarms": ALARMS, "changes": CHANGES}
    found = {}
    with connection.cursor() as cursor:
        for name, query in (QUERIES | extra | more).items():
            cursor.execute(query)
            found[name] = cursor.fetchall()
    return found


@pytest.mark.soak
def test_a_night_and_what_was_done_in_it_outlive_an_upgrade(people) -> None:
    intake.keep(short_night_of_the_demonstration())
    intake.work()
    intake.score()
    event = NonLocalizedEvent.objects.exclude(event_id=EVENT).get()
    with transaction.atomic():
        for candidate in event.candidates.order_by("rank")[:3]:
            give_verdict(candidate, Vetting.REJECTED, by=people["a"], note="a star")
            make_request(candidate.target, people["a"])
        alarm = Alarm.objects.create(event=event, cause="retraction", title="Gone", body="")
        AlarmSend.objects.create(alarm=alarm, channel="email", state="sent")
    before = held()
    assert len(before["kept"]) > 500
    assert len(before["changes"]) > 10
    assert len(before["ranks"]) > 20

    upgrade(OF_THE_NIGHT)

    assert held() == before
    newest = newest_ranking(event)
    assert newest is not None
    places = RankedCandidate.objects.as_of(newest).in_order()
    assert len(places) == len(before["ranks"])
    for place in places:
        terms = place.read_terms()
        assert terms[0]["name"] == "sky map"
        # The tables of before have no weights: they kept the prior and the terms.
        said = sum(term["log_lr"] for term in terms)
        assert place.log_weight == pytest.approx(logit(newest.prior) + said)
    with transaction.atomic():
        ranking = rank_event(event)  # by the facts that the upgrade made of the rows
    assert ranking is not None
    assert unlike(ranking) == 0
    assert held()["ranks"] == before["ranks"]


@pytest.mark.soak
def test_who_might_answer_pages_may_answer_alarms_after_an_upgrade(people) -> None:
    answer = Permission.objects.get(codename="change_alarm", content_type__app_label="reports")
    people["stranger"].user_permissions.set([answer])

    with at_tables([("reports", "0002_outbox_columns")]):
        old = set(Permission.objects.filter(user=people["stranger"]).values_list("codename"))

    assert old == {("change_page",)}
    assert User.objects.get(pk=people["stranger"].pk).has_perm("reports.change_alarm")


@pytest.mark.soak
def test_a_join_of_before_an_upgrade_can_be_undone_after_it(people) -> None:
    with transaction.atomic():
        fill(people)
        one, two = BaseTarget.objects.filter(name__in=(OWN, SHARED)).order_by("name")
        before = TargetSummary.objects.order_by("pk").values("pk", "surroundings_time")
        known = list(before)
        join = join_targets(one, two, by=people["a"])

    with at_tables([("targets", "0018_points_by_month")]), connection.cursor() as cursor:
        cursor.execute('SELECT changes::text LIKE \'%"context_time": "2%\' FROM targets_targetjoin')
        assert cursor.fetchone() == (True,)
    join.refresh_from_db()
    with transaction.atomic():
        undo(join, by=people["a"])

    assert list(before.all()) == known


def logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def short_night_of_the_demonstration() -> list[Message]:
    """The event and the last alerts of the demonstration night."""
    messages = demonstration_night()
    chain = [message for message in messages if message.topic.startswith("igwn")]
    return sorted([*chain, *(m for m in messages[-700:] if m not in chain)], key=lambda m: m.time)


@pytest.mark.soak
def test_what_the_streams_had_told_outlives_an_upgrade_and_leads_get_their_rights() -> None:
    make_message(topic="a.topic", broker="kafka.example.org", state="dead", reason="no packet")
    StreamHealth.objects.create(
        stream="kafka.example.org", topic="a.topic", connected=True, messages=12_345
    )

    upgrade([("streams", "0003_headers")])
    ensure_roles()

    health = StreamHealth.objects.get()
    assert (health.messages, health.connected, health.lag) == (12_345, True, None)
    assert AlertMessage.objects.get(state="dead").topic == "a.topic"
    assert make_lead().has_perm(MANAGE_STREAMS)
    assert make_observer().has_perm(VIEW_STREAMS)
    assert not make_observer().has_perm(MANAGE_STREAMS)
