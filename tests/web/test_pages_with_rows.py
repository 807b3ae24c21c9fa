"""The pages with rows on them: what they say, what they hide, and how often they ask."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from tom_targets.base_models import BaseTarget

from tests import factories
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.followup.services import request_observation

pytestmark = pytest.mark.django_db


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    return client


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab", time=timezone.now() - timedelta(hours=3))


def make_candidates(event: NonLocalizedEvent, count: int, **fields: object) -> None:
    for rank in range(1, count + 1):
        target = factories.make_target(ra=190.0 + rank, **fields)  # type: ignore[arg-type]
        factories.make_candidate(event, target, rank=rank, posterior=0.9 / rank)


def test_tonight_shows_the_event_and_its_best_candidate(
    observer: Client, event: NonLocalizedEvent
) -> None:
    make_candidates(event, 2)

    text = observer.get("/").text

    assert "S261120ab" in text
    assert "90%" in text


def test_the_event_page_says_what_the_chain_says(
    observer: Client, event: NonLocalizedEvent
) -> None:
    text = observer.get("/events/S261120ab/").text

    assert "1 per 31,700 yr" in text
    assert "40 ± 8 Mpc" in text
    assert "BNS" in text
    assert text.count("region-90") == 2  # the whole sky, and closer


def test_the_event_page_asks_as_often_for_many_candidates_as_for_two(
    observer: Client,
    event: NonLocalizedEvent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_candidates(event, 25)

    with django_assert_max_num_queries(40):
        page = observer.get("/events/S261120ab/")

    assert page.text.count("data-row") == 25


@pytest.mark.parametrize(
    ("path", "most"), [("/", 32), ("/targets/", 15), ("/events/", 14), ("/requests/", 15)]
)
def test_a_page_asks_a_bounded_number_of_times(
    observer: Client,
    event: NonLocalizedEvent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    path: str,
    most: int,
) -> None:
    make_candidates(event, 12)

    with django_assert_max_num_queries(most):
        assert observer.get(path).status_code == 200


def test_a_private_target_is_nowhere_for_others(observer: Client, event: NonLocalizedEvent) -> None:
    hidden = factories.make_target("SECRET26a", private=True)
    factories.make_candidate(event, hidden)

    paths = ["/", "/targets/", "/targets/?q=SECRET", "/events/S261120ab/?vetting=all&region=all"]
    pages = [observer.get(path).text for path in [*paths, "/events/S261120ab/candidates.csv"]]

    assert not any("SECRET26a" in page for page in pages)


@pytest.mark.parametrize("path", ["", "lightcurve.json", "cutouts/science.png", "request/"])
def test_the_pages_of_a_private_target_are_not_found(observer: Client, path: str) -> None:
    hidden = factories.make_target(private=True)

    assert observer.get(f"/targets/{hidden.pk}/{path}").status_code == 404


def test_a_private_target_is_open_to_its_group(client: Client) -> None:
    group = factories.make_group()
    client.force_login(factories.make_observer(groups=[group]))
    target = factories.make_target("SECRET26a", private=True, owners=[group])

    assert "SECRET26a" in client.get(f"/targets/{target.pk}/").text


def test_points_of_another_groups_program_are_not_in_the_light_curve(observer: Client) -> None:
    program = factories.make_program(2, group=factories.make_group())
    open_to_all, hidden = factories.make_target(points=3), factories.make_target(program=program)

    series, of_hidden = (
        observer.get(f"/targets/{target.pk}/lightcurve.json").json()["series"]
        for target in (open_to_all, hidden)
    )

    assert sum(len(each["time"]) for each in series) == 4  # with its limit
    assert of_hidden == []


@pytest.mark.parametrize(
    "text", ["ZTF26", "197.45 -23.38", "13:09:48 -23:22:48 30", "13h09m48s,-23d22m48s"]
)
def test_a_target_is_found_by_name_and_by_place(observer: Client, text: str) -> None:
    target = factories.make_target(ra=197.45, dec=-23.38)

    assert target.name in observer.get("/targets/", {"q": text}).text


def test_a_candidate_is_vetted_and_the_vetting_undone(
    observer: Client, event: NonLocalizedEvent
) -> None:
    candidate = factories.make_candidate(event)
    url = f"/events/S261120ab/candidates/{candidate.pk}/vet/"

    for value in ("rejected", "new"):
        answer = observer.post(url, {"vetting": value}, headers={"HX-Request": "true"})
        candidate.refresh_from_db()

        assert answer.text.lstrip().startswith("<tr") or "<tr data-row" in answer.text
        assert candidate.vetting == value


def test_who_may_not_vet_sees_no_button_and_cannot(
    client: Client, event: NonLocalizedEvent
) -> None:
    candidate = factories.make_candidate(event)
    client.force_login(factories.make_user())

    page = client.get("/events/S261120ab/").text
    answer = client.post(f"/events/S261120ab/candidates/{candidate.pk}/vet/", {"vetting": "new"})

    assert 'data-key="y"' not in page
    assert answer.status_code == 403


def test_rejected_candidates_are_hidden_until_asked_for(
    observer: Client, event: NonLocalizedEvent
) -> None:
    factories.make_candidate(event, factories.make_target("ZTF26reject"), vetting="rejected")

    plain = observer.get("/events/S261120ab/").text
    asked = observer.get("/events/S261120ab/?vetting=all").text

    assert "ZTF26reject" not in plain
    assert "ZTF26reject" in asked


def test_the_csv_has_a_line_for_each_candidate_shown(
    observer: Client, event: NonLocalizedEvent
) -> None:
    make_candidates(event, 3)

    lines = observer.get("/events/S261120ab/candidates.csv").text.splitlines()

    assert lines[0].startswith("rank,name,ra")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]


def test_a_pinned_localization_is_used_and_said_to_be(
    client: Client, event: NonLocalizedEvent
) -> None:
    client.force_login(factories.make_admin())
    first = event.localizations.order_by("time").first()
    assert first is not None

    client.post("/events/S261120ab/pin/", {"localization": first.pk})
    text = client.get("/events/S261120ab/").text

    assert ">Pinned<" in text


def test_a_comment_is_kept_and_escaped(observer: Client) -> None:
    target = factories.make_target()

    observer.post(f"/targets/{target.pk}/comment/", {"comment": "<b>blue</b>, fading"})
    text = observer.get(f"/targets/{target.pk}/").text

    assert "&lt;b&gt;blue&lt;/b&gt;, fading" in text


FORM = {
    "instrument": "PRACTICE:PRACTICE-IMAGER", "seconds-0": "60", "count-0": "1",
    "mode": "NORMAL", "max_airmass": "2", "min_moon_separation_deg": "20",
}  # fmt: skip


def window() -> dict[str, str]:
    now = timezone.now()
    return {
        "start": now.strftime("%Y-%m-%dT%H:%M"),
        "end": (now + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M"),
    }


def test_the_form_sends_a_request_and_leads_to_its_page(
    observer: Client, event: NonLocalizedEvent
) -> None:
    target = factories.make_target()

    answer = observer.post(
        f"/targets/{target.pk}/request/", FORM | window() | {"event": event.event_id}
    )
    observation = ObservationRequest.objects.get()

    assert answer.headers["Location"] == f"/requests/{observation.pk}/"
    assert observation.event == event
    assert "60" in observer.get(f"/requests/{observation.pk}/").text


@pytest.mark.parametrize(
    ("ticked", "words"),
    [({}, "goes on until a person"), ({"cancel_if_retracted": "on"}, "is cancelled at once")],
)
def test_a_request_goes_on_after_a_retraction_unless_the_form_says_otherwise(
    observer: Client, event: NonLocalizedEvent, ticked: dict[str, str], words: str
) -> None:
    url = f"/targets/{factories.make_target().pk}/request/"
    named = {"event": event.event_id}

    assert 'name="cancel_if_retracted"' in observer.get(url, named).text
    answer = observer.post(url, FORM | window() | named | ticked, follow=True)

    assert ObservationRequest.objects.get().cancel_if_retracted is bool(ticked)
    assert words in " ".join(answer.text.split())


def test_a_request_for_no_event_is_not_about_its_retraction(observer: Client) -> None:
    url = f"/targets/{factories.make_target().pk}/request/"

    assert "cancel_if_retracted" not in observer.get(url).text
    observer.post(url, FORM | window() | {"cancel_if_retracted": "on"})

    assert not ObservationRequest.objects.get().cancel_if_retracted


def test_a_bad_field_is_said_beside_it_and_nothing_is_sent(observer: Client) -> None:
    target = factories.make_target()

    answer = observer.post(f"/targets/{target.pk}/request/", FORM | window() | {"seconds-0": "-5"})

    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert not ObservationRequest.objects.exists()


def test_a_second_request_needs_a_second_click(observer: Client) -> None:
    target = factories.make_target()
    form = FORM | window()
    url = f"/targets/{target.pk}/request/"

    observer.post(url, form)
    warned = observer.post(url, form)
    first = ObservationRequest.objects.get()
    for _ in range(2):  # a double click makes one
        observer.post(url, form | {"duplicate_of": str(first.pk)})

    assert "Already asked for" in warned.text
    assert f'name="duplicate_of" value="{first.pk}"' in warned.text
    assert ObservationRequest.objects.count() == 2


def test_a_retracted_event_takes_no_request(observer: Client) -> None:
    event = factories.make_event("S261120rr", retracted=True)
    target = factories.make_target()

    answer = observer.post(
        f"/targets/{target.pk}/request/", FORM | window() | {"event": event.event_id}
    )

    assert "is retracted" in answer.text
    assert not ObservationRequest.objects.exists()


def test_a_request_is_cancelled_after_a_question(client: Client) -> None:
    user = factories.make_observer()
    client.force_login(user)
    observation = make_request(user)
    address = f"/requests/{observation.pk}/cancel/"

    page = client.get(f"/requests/{observation.pk}/").text
    question = client.get(address).text
    observation.refresh_from_db()
    asked = observation.state
    client.post(address)
    observation.refresh_from_db()

    assert f'action="{address}"' not in page
    assert f'href="{address}"' in page
    assert "Cancel the request of" in question
    assert (asked, observation.state) == ("approved", "canceled")


def test_a_held_request_is_released_by_a_click_unless_its_event_is_retracted(
    client: Client,
) -> None:
    user = factories.make_observer()
    client.force_login(user)
    held, retracted = make_request(user), make_request(user)
    event = factories.make_event("S261120rr", retracted=True)
    ObservationRequest.objects.update(state="held")
    ObservationRequest.objects.filter(pk=retracted.pk).update(event=event)
    offered = ["Release" in client.get(f"/requests/{each.pk}/").text for each in (held, retracted)]

    client.post(f"/requests/{held.pk}/release/")
    refused = client.post(f"/requests/{retracted.pk}/release/", follow=True)

    assert offered == [True, False]
    assert dict(ObservationRequest.objects.values_list("pk", "state")) == {
        held.pk: "approved",
        retracted.pk: "held",
    }
    assert "S261120rr is retracted" in refused.text


def make_request(user: User, target: BaseTarget | None = None) -> ObservationRequest:
    return request_observation(
        target=target or factories.make_target(),
        event=None,
        facility="PRACTICE",
        instrument="PRACTICE-IMAGER",
        spec={
            "exposures": [{"element": "g", "seconds": 60, "count": 1}],
            "start": timezone.now(),
            "end": timezone.now() + timedelta(days=1),
        },
        by=user,
    )


@pytest.mark.parametrize("state", ["under-way", "live"])  # the second in links that people saved
def test_the_list_is_narrowed_to_requests_under_way(client: Client, state: str) -> None:
    user = factories.make_observer()
    client.force_login(user)
    going, ended = make_request(user), make_request(user)
    ObservationRequest.objects.filter(pk=ended.pk).update(state="expired", guard=None)

    page = client.get(f"/requests/?state={state}").text

    assert f"/requests/{going.pk}/" in page
    assert f"/requests/{ended.pk}/" not in page
    assert '<option value="under-way" selected>' in page


def test_dead_messages_are_shown_with_reason_and_replayed(observer: Client) -> None:
    dead = factories.make_message(
        b"\x00junk", state="dead", reason="no magic bytes", kind="unknown"
    )

    page = observer.get("/messages/?state=dead").text
    observer.post(f"/messages/{dead.pk}/replay/")
    dead.refresh_from_db()

    assert "no magic bytes" in page
    assert (dead.state, dead.replays) == ("received", 1)


def test_all_that_died_of_one_reason_are_replayed_at_once(observer: Client) -> None:
    for _ in range(3):
        factories.make_message(state="dead", reason="bad\nluck", kind="unknown")
    other = factories.make_message(state="dead", reason="else", kind="unknown")

    observer.post("/messages/replay/", {"reason": "bad\r\nluck"})
    other.refresh_from_db()

    assert other.state == "dead"
    assert "3 worked on again" in observer.get("/messages/").text


def test_a_survey_packets_bytes_are_for_administrators(client: Client) -> None:
    packet = factories.make_message(b"Obj\x01private", topic="ztf_x", kind="ztf.avro")

    answers = []
    for user in (factories.make_observer(), factories.make_admin()):
        client.force_login(user)
        answers.append(client.get(f"/messages/{packet.pk}/bytes/").status_code)
        answers.append(
            "private" in client.get(f"/messages/{packet.pk}/").text.replace("a private", "")
        )

    assert answers == [403, False, 200, True]


def test_what_is_followed_can_be_unfollowed(observer: Client, event: NonLocalizedEvent) -> None:
    form = {"kind": "event", "value": "S261120ab", "next": "/events/S261120ab/"}

    observer.post("/follow/", form)
    followed = observer.get("/events/S261120ab/").text
    observer.post("/follow/", form | {"stop": "1"})
    after = observer.get("/events/S261120ab/").text

    assert re.search(r">\s*Following\s*<", followed)
    assert re.search(r">\s*Follow\s*<", after)


def test_a_follow_leads_nowhere_else(observer: Client, event: NonLocalizedEvent) -> None:
    form = {"kind": "event", "value": "S261120ab", "next": "https://elsewhere.example/"}

    assert observer.post("/follow/", form).headers["Location"] == "/notifications/"
