"""What comes by a group's stream is read, and its members alone see what came of it."""

import json
import re
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget

from tests.factories import (
    MERGER,
    make_admin,
    make_event,
    make_group,
    make_lead,
    make_observer,
    make_program,
    make_stream,
)
from tests.streams.packets import CANDID, make_detection, make_ztf_packet
from tests.web.routes import all_routes
from tom import intake
from tom.candidates.models import EventCandidate
from tom.changes.models import Change
from tom.ranking.services import rank_event
from tom.reports.notifications.models import Follow, FollowKind, Notification
from tom.scoring.judging import score_due
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.private import due_streams, move_messages
from tom.streams.services import Incoming, store_messages
from tom.targets.classified import Classification
from tom.targets.cutouts import has_stamps, pictures_of
from tom.targets.models import Arrival, LightCurvePoint, Program
from tom.targets.settling import due_programs
from tom.targets.stream_programs import is_open, number_for
from tom.targets.visible import visible_targets

pytestmark = pytest.mark.django_db

EVENT = "S261120au"
HIDDEN = "ZTF26hidden"
# Julian date of a detection half a day after the merger, in the merger's map.
JD = 2_440_587.5 + (MERGER + timedelta(days=0.5)).timestamp() / 86_400
PLACE = {"ra": 197.45, "dec": -23.40}
TAG = "secretlyodd"


@pytest.fixture
def team() -> Group:
    make_program()
    return make_group("team")


@pytest.fixture
def stream(team: Group) -> Stream:
    return make_stream("the team's own", group=team)


def packet(name: str = HIDDEN, *, jd: float = JD, **values: object) -> bytes:
    before = make_detection(-0.2, jd=jd - 0.2, candid=CANDID - 5, magpsf=18.75, **PLACE)
    return make_ztf_packet(
        object_id=name, history=[before], jd=jd, jdstarthist=jd - 0.2, **PLACE | values
    )


def opinion(name: str = HIDDEN, *, kind: str = "SN", tag: str = TAG) -> bytes:
    """What a filter of Lasair says plainly, with its own name as a tag."""
    said = {"objectId": name, "UTC": "2026-01-01 06:00:15", "classification": kind, "tns": tag}
    return json.dumps(said).encode()


def send(
    *payloads: bytes, stream: Stream | None, topic: str = "ztf_20260101_programid1", at: int = 0
) -> list[AlertMessage]:
    """Store messages of a stream of a group, or of a public one, and do their work."""
    private = stream is not None and stream.group_id is not None
    store_messages(
        [
            Incoming(
                topic, payload, 0, at + number, name="", broker="kafka.example.org",
                group_id=stream.group_id if private else None,
                stream_id=stream.pk if private else None,
            )
            for number, payload in enumerate(payloads)
        ]
    )  # fmt: skip
    work()
    return list(AlertMessage.objects.filter(broker="kafka.example.org").order_by("pk"))


def work() -> None:
    while intake.work_alerts():
        pass
    for pk in AlertMessage.objects.filter(state="received").values_list("pk", flat=True):
        intake.work_message(pk)


def settle() -> None:
    """What the sweep wakes, until nothing is due."""
    for program in due_programs():
        while intake.settle_program(program.pk):
            pass
    for stream in due_streams():
        while move_messages(stream, most=1):
            pass


def compute() -> None:
    while score_due(most=100):
        pass
    for candidate in EventCandidate.objects.select_related("event")[:1]:
        rank_event(candidate.event)


def readers_of(name: str) -> set[str]:
    """Who of all people may see a target, and some point of it."""
    return {
        user.username
        for user in User.objects.exclude(username="AnonymousUser")
        if visible_targets(user).filter(name=name).exists()
        and LightCurvePoint.objects.visible_to(user).filter(target__name=name).exists()
    }


def test_members_get_the_target_its_points_its_stamps_and_its_rank(team: Group, stream: Stream):
    make_event(EVENT)
    member, outsider = make_observer("member", groups=[team]), make_observer("outsider")
    [row] = send(packet(), stream=stream)
    compute()

    assert (row.state, row.group, row.stream) == (MessageState.STORED, team, stream.pk)
    assert readers_of(HIDDEN) == {"member"}
    assert LightCurvePoint.objects.count() == 2
    assert not LightCurvePoint.objects.filter(program__public=True).exists()
    candidate = EventCandidate.objects.get()
    assert not candidate.is_public
    assert EventCandidate.objects.visible_to(member).exists()
    assert not EventCandidate.objects.visible_to(outsider).exists()
    [target] = BaseTarget.objects.all()
    assert has_stamps(target, member)
    assert not has_stamps(target, outsider)
    assert not pictures_of(target, outsider).drawn
    assert Arrival.objects.visible_to(member).exists()
    assert not Arrival.objects.visible_to(outsider).exists()


def test_no_route_tells_an_outsider_of_it(team: Group, stream: Stream, client: Client):
    make_event(EVENT)
    people = [make_observer("member", groups=[team]), make_lead("outsider")]
    send(packet(), stream=stream)
    send(opinion(), stream=stream, topic="lasair_1test")
    compute()

    found = {user.username: _walk(client, user) for user in people}

    assert len(found["member"]) > 8  # the walk does find it where it is
    assert found["outsider"] == set()
    for address in ("/search/?q=", "/targets/?q=", "/api/targets/?name="):  # no other than of none
        pages = [_text(client, f"{address}{name}") for name in (HIDDEN, "ZTF26absent")]
        assert pages[0].replace(HIDDEN, "ZTF26absent") == pages[1]


def _walk(client: Client, user: User) -> set[str]:
    """The addresses of all routes, and of lists and exports, that tell of the hidden object."""
    client.force_login(user)
    target = BaseTarget.objects.get(name=HIDDEN)
    message = AlertMessage.objects.order_by("pk").first()
    keys = {"event_id": EVENT, "kind": "science", "format": "json", "number": 1, "name": HIDDEN}
    addresses: list[str] = []
    for route in all_routes():
        of_message = "message" in route.pattern
        pk = message.pk if message and of_message else target.pk
        addresses.append(route.address(keys | {"pk": pk, "target_id": target.pk}))
    asked = ["/targets/?q=197.45+-23.4+60", "/api/targets/?ra=197.45&dec=-23.4&radius_arcsec=60"]
    asked += [f"/events/{EVENT}/candidates.csv?region=all", "/targets/?class=supernova"]
    asked += [f"/events/{EVENT}/?part=candidates&region=all"]
    told = re.compile(rf"{HIDDEN}|{TAG}|18\.75|{CANDID}|{CANDID - 5}")
    return {
        address
        for address in [*addresses, *asked]
        if "/changes" not in address
        and told.search(_text(client, address).replace(f"q={HIDDEN}", ""))
    }


def _text(client: Client, address: str) -> str:
    response = client.get(address)
    if response.status_code != 200:
        return ""
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[arg-type]
    return re.sub(r"\b\w{64}\b|\d\d:\d\d:\d\d", "", body.decode(errors="replace"))


def test_opinions_and_tags_are_the_groups(team: Group, stream: Stream, client: Client):
    """Of a public target, too: everybody sees it, and the members what their stream says of it."""
    member, outsider = make_observer("member", groups=[team]), make_observer("outsider")
    send(packet(), stream=None)
    send(opinion(), stream=stream, topic="lasair_1test")
    target = BaseTarget.objects.get()

    def seen(user: User) -> str:
        client.force_login(user)
        paths = (f"/targets/{target.pk}/", f"/api/targets/{target.pk}/classifications/")
        return " ".join(_text(client, path) for path in paths)

    assert Classification.objects.count() == 1
    assert "Lasair" in seen(member)
    assert "Lasair" not in seen(outsider).replace("Lasair</option>", "")

    send(opinion(), stream=None, topic="lasair_1test", at=5)

    assert Classification.objects.count() == 2
    assert "Lasair" in seen(outsider)
    client.force_login(member)
    [one] = client.get(f"/api/targets/{target.pk}/classifications/").json()["results"]
    assert one["author"] == "Lasair"


def test_a_public_copy_opens_what_came_privately(team: Group, stream: Stream):
    make_observer("outsider")
    send(packet(), stream=stream)

    first, second = send(packet(), stream=None, at=7)

    assert (first.state, second.state) == (MessageState.STORED, MessageState.STORED)
    assert (first.group, second.group) == (team, None)
    assert readers_of(HIDDEN) == {"outsider"}
    assert LightCurvePoint.objects.count() == 2  # not one more
    assert LightCurvePoint.objects.filter(program__number=1).count() == 2


def test_the_place_in_a_topic_that_a_private_message_holds_hides_no_public_one(stream: Stream):
    make_observer("outsider")
    send(packet(), stream=stream)
    send(packet(), stream=None)  # the same broker, topic, partition, offset

    assert AlertMessage.objects.filter(state=MessageState.STORED).count() == 2
    assert readers_of(HIDDEN) == {"outsider"}


def test_a_private_copy_changes_nothing_of_a_public_point(team: Group, stream: Stream):
    """Its own detection is measured finer in the private packet: everybody keeps what is told."""
    later = make_detection(0.0, jd=JD, candid=CANDID, magpsf=18.9, **PLACE)
    openly = make_ztf_packet(
        object_id=HIDDEN, history=[later], jd=JD + 1, jdstarthist=JD, candid=CANDID + 9, **PLACE
    )
    send(openly, stream=None)
    before = set(LightCurvePoint.objects.values_list("key", "flux", "program"))
    send(packet(), stream=stream)

    after = set(LightCurvePoint.objects.values_list("key", "flux", "program"))
    assert before < after
    assert {pk for _, _, pk in after - before} == set(
        Program.objects.filter(public=False).values_list("pk", flat=True)
    )


def test_a_stream_s_data_follow_it_to_another_group_and_to_everybody(
    team: Group, stream: Stream, client: Client
):
    others = make_group("others")
    make_observer("member", groups=[team])
    make_observer("other", groups=[others])
    make_observer("outsider")
    send(packet(), opinion(), stream=stream)
    send(opinion(), stream=stream, topic="lasair_1test")
    assert readers_of(HIDDEN) == {"member"}
    client.force_login(make_admin("admin"))

    for readers, expected in ((others, {"other", "admin"}), (None, {*_everybody(), "admin"})):
        _give(client, stream, readers)
        settle()
        assert readers_of(HIDDEN) == expected
        assert set(AlertMessage.objects.values_list("group", flat=True)) == {
            readers.pk if readers else None
        }
    assert Classification.objects.get().program.public


def _everybody() -> set[str]:
    return {"member", "other", "outsider"}


def _give(client: Client, stream: Stream, readers: Group | None) -> None:
    """Choose other readers in the stream's form."""
    given = {
        "name": stream.name, "kind": "kafka", "address": stream.address, "tls": "tls",
        "topics": "a.topic", "credential": "", "readers": readers.pk if readers else "all",
    }  # fmt: skip
    assert client.post(f"/streams/{stream.pk}/", given).status_code == 302


def test_what_the_survey_keeps_private_stays_so_when_its_stream_is_for_everybody(
    team: Group, stream: Stream, client: Client
):
    make_observer("member", groups=[team])
    make_observer("outsider")
    send(packet(programid=2), stream=stream)
    client.force_login(make_admin("admin"))
    _give(client, stream, None)
    settle()

    own = LightCurvePoint.objects.get(key=str(CANDID))
    assert (own.program.public, own.program.group) == (False, team)
    assert "outsider" not in readers_of(HIDDEN)


def test_former_members_lose_the_bytes_before_all_messages_are_moved(
    team: Group, stream: Stream, client: Client
):
    [row] = send(packet(), stream=stream)
    member = make_observer("member", groups=[team])
    other = make_group("other")
    client.force_login(make_admin())
    _give(client, stream, other)

    client.force_login(member)
    assert client.get(f"/messages/{row.pk}/bytes/").status_code == 403
    client.force_login(make_observer("both", groups=[team, other]))
    assert client.get(f"/messages/{row.pk}/bytes/").status_code == 200


def test_followers_of_a_public_target_hear_nothing_of_a_private_alert(team: Group, stream: Stream):
    send(packet(), stream=None)
    [target] = BaseTarget.objects.all()
    people = [make_observer("member", groups=[team]), make_observer("outsider")]
    for user in people:
        Follow.objects.create(user=user, kind=FollowKind.TARGET, value=str(target.pk))
    Notification.objects.all().delete()
    Change.objects.all().delete()

    send(packet(jd=JD + 1, candid=CANDID + 1), stream=stream, at=3)

    assert {row.user.username for row in Notification.objects.all()} == {"member"}
    assert not Change.objects.filter(user_id=people[1].pk).exists()


def test_a_damaged_private_packet_says_nothing_to_others(
    team: Group, stream: Stream, client: Client
):
    [row] = send(packet()[:-40] + b"x" * 40, stream=stream)
    assert row.state == MessageState.DEAD
    client.force_login(make_lead("outsider"))
    shown = " ".join(
        _text(client, path)
        for path in (f"/messages/{row.pk}/", "/messages/?state=dead", "/api/messages/")
    )
    assert row.reason
    assert row.reason not in shown
    assert row.sha256 not in shown
    assert "its members and administrators alone read it" in shown
    assert "Administrators may" not in shown


def test_a_deleted_stream_leaves_what_came_to_its_group(team: Group, stream: Stream):
    make_observer("member", groups=[team])
    make_observer("outsider")
    send(packet(), stream=stream)
    stale = Stream.objects.get(pk=stream.pk)
    stream.delete()
    later = packet("ZTF26later", candid=CANDID + 40)
    send(later, stream=stale, at=4)

    assert readers_of(HIDDEN) == {"member"}
    row = AlertMessage.objects.get(offset=4)
    assert row.state == MessageState.UNHANDLED
    assert readers_of("ZTF26later") == set()


# Each night by one of: everybody's stream, the team's, that of others.
STREAMS = st.lists(st.sampled_from(["public", "team", "others"]), min_size=1, max_size=6)


@settings(
    max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(ways=STREAMS)
def test_each_reader_sees_the_packets_of_the_streams_that_they_may_read(ways: list[str]):
    """Whatever comes by which stream in which order; each packet has a detection of its own."""
    from django.db import transaction

    with transaction.atomic():
        _check_readers(ways)
        transaction.set_rollback(True)


def _check_readers(ways: Iterable[str]) -> None:
    make_program()
    groups = {"team": make_group(), "others": make_group()}
    streams: dict[str, Stream | None] = {
        name: make_stream(group=group) for name, group in groups.items()
    }
    streams["public"] = None
    people = {
        "outsider": (make_observer(), {"public"}),
        "member": (make_observer(groups=[groups["team"]]), {"public", "team"}),
        "other": (make_observer(groups=[groups["others"]]), {"public", "others"}),
    }
    expected: dict[str, set[str]] = {name: set() for name in people}
    for number, way in enumerate(ways):
        key = CANDID + 100 + number
        payload = make_ztf_packet(
            object_id=HIDDEN, jd=JD + number, jdstarthist=JD, candid=key, **PLACE
        )
        send(payload, stream=streams[way], at=number)
        for name, (_, readable) in people.items():
            if way in readable:
                expected[name].add(str(key))
    for name, (user, _) in people.items():
        points = LightCurvePoint.objects.visible_to(user)
        points = points.filter(target__in=visible_targets(user))
        assert set(points.values_list("key", flat=True)) == expected[name], name
        assert visible_targets(user).exists() == bool(expected[name]), name


@pytest.mark.parametrize("number", [997, 998, 999, 1000, 2**31 - 1])
def test_no_odd_number_of_a_survey_s_program_opens_with_its_stream(number: int):
    made = number_for(7, number)

    assert not is_open("ZTF", made)
    assert -made // 1000 == 7
    assert is_open("ZTF", number_for(7, 1))
