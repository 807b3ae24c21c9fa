"""A target that becomes public: what its group said and asked before stays the group's."""

import asyncio
import re

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests.factories import MERGER, make_event, make_group, make_observer, make_program
from tests.followup.conftest import make_spec
from tests.streams.packets import make_ztf_packet
from tests.web.routes import all_routes
from tom import intake
from tom.candidates.models import EventCandidate, Verdict, VerdictReason, Vetting
from tom.candidates.verdicts import give_verdict, undo_last_verdict
from tom.changes.models import Change, Topic
from tom.demo.packets import to_jd
from tom.followup.models import ObservationRequest
from tom.followup.services import DuplicateRequestError, request_observation
from tom.reports.notifications.follows import follow
from tom.reports.notifications.models import Notification
from tom.sky import galactic
from tom.streams.services import store_message
from tom.targets.models import Program
from tom.targets.visible import visible_targets
from tom.web.changes import Reader

# Real transactions: a stream of changes reads on another connection.
pytestmark = pytest.mark.django_db(transaction=True)

NAME, EVENT = "ZTF26secrets", "S261120op"
A, B = 2, 3
NOTE, COMMENT = "NOTE-OF-A", "COMMENT-OF-A"


@pytest.fixture
def people() -> dict[str, User]:
    groups = {number: make_group(f"group {number}") for number in (A, B)}
    make_program()
    for number, group in groups.items():
        make_program(number, group=group)
        Program.objects.filter(number=number).update(settled=f"group {group.pk}")
    make_event(EVENT, time=MERGER)
    return {
        "a": make_observer("alice", groups=[groups[A]]),
        "colleague": make_observer("albert", groups=[groups[A]]),
        "b": make_observer("bob", groups=[groups[B]]),
        "stranger": make_observer("sid"),
    }


def send(program: int, *, days: float, dec: float = -23.38, **fields: object) -> None:
    """Take in an alert of a program, `days` after the merger."""
    number = int(program * 1000 + days * 10)
    packet = make_ztf_packet(
        object_id=NAME,
        programid=program,
        jd=to_jd(MERGER) + days,
        ra=197.45,
        dec=dec,
        candid=10**15 + number,
        pid=10**12 + number,
        **fields,
    )
    store_message(f"ztf_20261121_programid{program}", packet)
    assert intake.work_alerts()


def ask(by: User, **more: object) -> ObservationRequest:
    return request_observation(
        target=BaseTarget.objects.get(name=NAME),
        event=None,
        facility="PRACTICE",
        instrument="PRACTICE-IMAGER",
        spec=make_spec("r"),
        by=by,
        **more,
    )


def talk(by: User) -> ObservationRequest:
    """Follow the target, give a verdict, comment, and ask for an observation."""
    client = Client()
    client.force_login(by)
    target = BaseTarget.objects.get(name=NAME)
    follow(by, kind="target", value=str(target.pk))
    candidate = EventCandidate.objects.get(target=target)
    give_verdict(candidate, Vetting.REJECTED, by=by, reason=VerdictReason.STAR, note=NOTE)
    client.post(f"/targets/{target.pk}/comment/", {"comment": COMMENT})
    return ask(by)


def pages(user: User, *, every: bool = True) -> dict[str, str]:
    """The pages that a person may get of everything there is, by their address.

    Else only the target's, its requests' and some lists'.
    """
    client = Client()
    client.force_login(user)
    keys = {
        "event_id": EVENT,
        "pk": BaseTarget.objects.get(name=NAME).pk,
        "number": 1,
        "kind": "science",
    }
    others = [
        *(f"/requests/{pk}/" for pk in ObservationRequest.objects.values_list("pk", flat=True)),
        *(f"/api/requests/{pk}/" for pk in ObservationRequest.objects.values_list("pk", flat=True)),
        f"/events/{EVENT}/?vetting=all&region=all",
        f"/events/{EVENT}/?vetting=rejected&region=all",
        f"/search/?q={NAME}",
        "/requests/?state=under-way",
        f"/targets/{keys['pk']}/?part=standing",
        f"/targets/{keys['pk']}/?part=chips",
    ]
    routes = [route for route in all_routes() if every or route.name.startswith("targets:")]
    addresses = [*(route.address(keys) for route in routes), *others]
    found = {}
    for address in addresses:
        if address.startswith(("/changes/", "/admin/", "/team/")):  # the last names everybody
            continue
        answer = client.get(address, follow=True)
        if answer.status_code == 200 and not answer.streaming:
            # Whom a list may be handed over to is a choice among all people.
            found[address] = re.sub("<option>[^<]*", "", answer.content.decode(errors="replace"))
    return found


def words_of(said: ObservationRequest) -> list[str]:
    """What only the group's own words and rows hold."""
    return [NOTE, COMMENT, said.key, f"/requests/{said.pk}/", "alice", "Rejected</span>"]


def found_in(pages_of: dict[str, str], words: list[str]) -> set[str]:
    return {word for word in words if any(word in text for text in pages_of.values())}


@pytest.fixture
def said(people: dict[str, User]) -> ObservationRequest:
    """A request of A's for a private target, with a comment, a verdict and a notification."""
    with transaction.atomic():
        send(A, days=1.0, magpsf=18.0)
    made = talk(people["a"])
    send(A, days=1.2, magpsf=18.1)
    assert Notification.objects.filter(user=people["a"]).count() == 1
    return made


def open_target() -> None:
    send(1, days=1.5, dec=-23.39, magpsf=18.4)
    assert BaseTarget.objects.get(name=NAME).permissions == BaseTarget.Permissions.PUBLIC


@pytest.mark.timeout(600)
@pytest.mark.parametrize("all_over", [["b"], pytest.param(["stranger"], marks=pytest.mark.soak)])
def test_others_see_the_opened_target_and_nothing_that_was_said_of_it_before(
    people, said, all_over
) -> None:
    assert not any(visible_targets(people[name]).exists() for name in ("b", "stranger"))
    open_target()
    # A group that comes later reads its own points, and not what another said before it came.
    send(B, days=1.7, magpsf=18.2)

    for name in ("b", "stranger"):
        seen = pages(people[name], every=name in all_over)
        assert f"/targets/{said.target_id}/" in seen
        assert NAME in seen[f"/targets/{said.target_id}/"]
        assert found_in(seen, words_of(said)) == set()
    for name in ("a", "colleague"):
        seen = pages(people[name], every=False)
        assert found_in(seen, words_of(said)) == set(words_of(said))


@pytest.mark.soak
def test_a_program_settled_anew_shares_nothing_of_before_with_its_group(people, said) -> None:
    open_target()
    send(B, days=1.7, magpsf=18.2)
    Program.objects.filter(number=B).update(settled="group 0")
    program = Program.objects.get(number=B)
    while intake.settle_program(program.pk):
        pass

    assert found_in(pages(people["b"]), words_of(said)) == set()


def test_what_is_said_after_the_opening_is_everybodys(people, said) -> None:
    open_target()
    candidate = EventCandidate.objects.get()
    give_verdict(candidate, Vetting.PROMISING, by=people["a"], note="SAID-AFTER")

    candidate.refresh_from_db()
    assert candidate.vetting == Vetting.PROMISING
    assert found_in(pages(people["stranger"], every=False), ["SAID-AFTER", NOTE]) == {"SAID-AFTER"}
    assert undo_last_verdict(people["a"]) is not None
    candidate.refresh_from_db()
    assert candidate.vetting == Vetting.NEW
    assert [row.note for row in Verdict.objects.visible_to(people["a"]).standing()] == [NOTE]


def test_a_hidden_request_stands_in_nobodys_way_and_is_told_to_nobody(people, said) -> None:
    open_target()

    theirs = ask(people["stranger"])

    with pytest.raises(DuplicateRequestError) as refused:
        ask(people["b"])
    assert refused.value.existing == theirs
    with pytest.raises(DuplicateRequestError) as refused:
        ask(people["colleague"])
    assert refused.value.existing == theirs  # the newest of both, which this one sees


def test_a_live_stream_names_a_hidden_request_to_its_group_alone(people, said) -> None:
    open_target()

    assert f"data: {said.pk}" in told(people["colleague"], said)
    assert told(people["b"], said) == ""


def told(user: User, request: ObservationRequest) -> str:
    reader = Reader(user, may_see_messages=True)
    reader.add([Change(1, Topic.REQUEST, str(request.pk), None)])
    return asyncio.run(reader.tell(0.0))


def test_who_left_the_group_keeps_no_notice_of_what_was_private(people, said) -> None:
    people["a"].groups.remove(*people["a"].groups.filter(name=f"group {A}"))
    assert not Notification.objects.visible_to(people["a"]).exists()

    open_target()

    shown = Notification.objects.visible_to(people["a"])
    assert [row.created > said.created for row in shown] == [True]  # of the alert that opened it
    assert Notification.objects.filter(user=people["a"]).count() == 2


def test_the_place_is_the_public_alerts(people, said) -> None:
    open_target()

    target = BaseTarget.objects.get(name=NAME)
    assert (target.ra, target.dec) == (197.45, -23.39)
    longitude, latitude = galactic(197.45, -23.39)
    assert target.galactic_lng == pytest.approx(float(longitude), abs=1e-6)
    assert target.galactic_lat == pytest.approx(float(latitude), abs=1e-6)
