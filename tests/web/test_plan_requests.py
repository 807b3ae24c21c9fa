"""The page that sends a plan: what it asks for, what is wrong with it, and the click."""

import pytest
from django.test import Client

from tests import factories
from tests.planning.plans import keep_coming
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.planning.models import Plan

pytestmark = pytest.mark.django_db
TYPED = {
    "instrument": "PRACTICE:PRACTICE-IMAGER",
    "element-0": "r",
    "seconds": "60",
    "leeway": "30",
    "mode": "NORMAL",
}


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def plan(client: Client, event: NonLocalizedEvent) -> Plan:
    """Vera's plan; she is logged in."""
    vera = factories.make_observer("vera")
    client.force_login(vera)
    return keep_coming(event, [(10.0 + i, -5.0) for i in range(3)], by=vera)


@pytest.fixture
def page(plan: Plan) -> str:
    return f"/events/S261120ab/plan/{plan.pk}/send/"


def test_the_page_says_what_is_asked_for_and_what_it_takes(client, plan, page):
    text = client.get(page).text

    for words in ("0.05 h", "0.07 h", "Filter for r", "Practice imager"):
        assert words in text
    assert "it does not see what the plan counts" in text or "is not known here" in text
    assert f'href="{page}"' in client.get(page.removesuffix("send/")).text


def test_a_click_sends_it_and_the_pages_show_it(client, plan, page):
    answer = client.post(page, TYPED, follow=True)

    request = ObservationRequest.objects.get()
    assert answer.redirect_chain == [(page.removesuffix("send/"), 302)]
    assert f"/requests/{request.pk}/" in answer.text
    assert "Requests that are being sent: 1." in answer.text
    told = client.get(f"/requests/{request.pk}/").text
    assert "fields of a plan" in told
    assert "10.0000 -5.0000" in " ".join(told.split())
    assert f"plan {plan.pk}" in told
    for address in ("/requests/", "/events/S261120ab/", "/", f"/search/?q={request.key}"):
        assert "Plan for S261120ab" in client.get(address, follow=True).text, address
    assert client.get("/api/requests/").json()["results"][0]["target_name"] is None


def test_a_second_click_says_which_request_is_under_way(client, page):
    client.post(page, TYPED)

    answer = client.post(page, TYPED)

    request = ObservationRequest.objects.get()
    assert answer.status_code == 422
    assert f"request {request.pk} of this plan is under way" in answer.text


WRONG = [
    ("element-0", "", "Choose a filter for r."),
    ("element-0", "V", "Choose a filter for r."),
    ("seconds", "nan", "Write a number from 1 to 1200."),
    ("leeway", "1", "Write a number from 5 to 360."),
    ("mode", "RAPID_RESPONSE", "Choose a mode."),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_field_is_said_beside_it(client, page, name, value, said):
    answer = client.post(page, TYPED | {name: value})

    assert answer.status_code == 422
    assert said in answer.text
    assert not ObservationRequest.objects.exists()


def test_a_plan_is_sent_by_its_maker_alone_and_only_if_it_passed(client, plan, page):
    Plan.objects.filter(pk=plan.pk).update(state="refused")
    refused = client.post(page, TYPED)
    client.force_login(factories.make_observer("iris"))

    assert "Only a plan that passed its check is sent" in refused.text
    assert client.post(page, TYPED).status_code == 404
    assert not ObservationRequest.objects.exists()


def test_a_plan_for_a_retracted_event_is_not_sent(client, plan, page, event):
    NonLocalizedEvent.objects.update(retracted=True)

    answer = client.post(page, TYPED)

    assert "S261120ab is retracted" in answer.text
    assert answer.status_code == 422
