"""The pages of alarms: rules, contacts and the gateway are entered, tested and removed."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.reports.alarms import conftest as peers
from tests.reports.alarms.conftest import KEY, make_contact, make_rule, make_step
from tom.events.models import EventSequence
from tom.reports.alarms.alarms import raise_alarm, send_alarm
from tom.reports.alarms.answer_channels import AnswerChannel
from tom.reports.alarms.contacts import Contact, SmsGateway
from tom.reports.alarms.models import Alarm, AlarmCause
from tom.reports.alarms.rules import AlarmRule
from tom.web.views.alarms import NO_ADDRESS

pytestmark = pytest.mark.django_db
mails = peers.mails
HOOK = "https://hooks.example.org/services/T0/B0/secret-of-the-hook"
RULE = {
    "name": "Near neutron stars",
    "sources": ["cbc"],
    "only_significant": "on",
    "has_ns": "0.5",
    "classes": "BNS, NSBH",
    "class_chance": "0.3",
    "area_deg2": "1500",
    "quiet_from": "23:00",
    "quiet_to": "07:00",
    "zone": "Europe/Paris",
    "step1-after": "0",
    "step1-on_shift": "on",
    "step1-channels": ["sms", "email"],
    "step2-after": "10",
}


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(factories.make_lead("lise"))
    return client


def test_without_rules_the_page_says_what_happens(lead: Client) -> None:
    text = words_of(lead.get("/alarms/").text)

    assert "No rule yet." in text
    assert "No rule reaches you yet: add a contact." in text
    assert "None is set: no SMS can be sent." in text


# --- Rules --------------------------------------------------------------------------------------
def test_a_rule_is_written_read_changed_switched_off_and_removed(lead: Client) -> None:
    team, ada = make_contact(None, name="chat"), factories.make_observer("ada")
    more = {"step2-people": [ada.pk], "step2-contacts": [team.pk], "step2-channels": ["sms"]}

    assert lead.post("/alarms/rules/new/", RULE | more).status_code == 302
    rule = AlarmRule.objects.get()
    steps = list(rule.steps.all())
    assert (rule.has_ns, rule.classes, rule.far_per_year) == (0.5, ["BNS", "NSBH"], None)
    assert [(step.number, step.after_minutes, step.on_shift) for step in steps] == [
        (1, 0, True),
        (2, 10, False),
    ]
    assert list(steps[1].people.all()) == [ada]
    assert rule.changed_by is not None

    text = words_of(lead.get("/alarms/").text)
    assert (
        "Merger (CBC), significant, HasNS ≥ 0.5, BNS + NSBH ≥ 0.3, 90% region ≤ 1500 deg²" in text
    )
    assert "at once: whoever is on shift by SMS, E-mail" in text
    assert "after 10 min: ada by SMS; chat" in text
    assert "Quiet from 23:00 to 07:00, Europe/Paris." in text

    form = lead.get(f"/alarms/rules/{rule.pk}/").text
    assert 'value="BNS, NSBH"' in form
    lead.post(f"/alarms/rules/{rule.pk}/", RULE | {"name": "Nearer"})
    rule.refresh_from_db()
    assert (rule.name, rule.steps.count()) == ("Nearer", 1)

    lead.post(f"/alarms/rules/{rule.pk}/switch/", {"to": "off"})
    assert not AlarmRule.objects.in_force().exists()
    lead.post(f"/alarms/rules/{rule.pk}/remove/")
    assert "No rule yet." in words_of(lead.get("/alarms/").text)
    assert lead.post("/alarms/rules/new/", RULE | {"name": "Nearer"}).status_code == 302


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "required"),
        ({"name": "taken"}, "Another rule has this name."),
        ({"sources": []}, "required"),
        ({"sources": ["dogs"]}, "not one of the available choices"),
        ({"has_ns": "1.5"}, "less than or equal to 1"),
        ({"has_ns": "nan"}, "Enter a number."),
        ({"area_deg2": "-1"}, "greater than or equal to 0"),
        ({"classes": "BNS; DROP"}, "Write names of classes"),
        ({"class_chance": ""}, "Name classes with their least chance"),
        ({"quiet_to": ""}, "Quiet hours have a beginning and an end."),
        ({"zone": "Mars/Base"}, "Write the name of a time zone"),
        ({"step1-on_shift": ""}, "Say whom the rule calls"),
        ({"step1-channels": []}, "Choose how people are called."),
        ({"step1-after": "-1"}, "greater than or equal to 0"),
        (
            {"step2-on_shift": "on", "step2-channels": ["sms"], "step2-after": "0"},
            "Each step comes later than the one before it.",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_and_nothing_is_kept(lead, change, said) -> None:
    make_rule("taken")

    answer = lead.post("/alarms/rules/new/", RULE | change)

    assert answer.status_code == 422
    assert said in words_of(answer.text)
    assert AlarmRule.objects.count() == 1


def test_a_rule_that_raised_an_alarm_is_removed_and_the_alarm_stays(lead: Client) -> None:
    make_step(make_rule("near"), make_contact(None))
    raise_alarm(factories.make_event("S261120ab", time_created=timezone.now()))

    lead.post(f"/alarms/rules/{AlarmRule.objects.get().pk}/remove/")

    assert "S261120ab: near" in words_of(lead.get("/alarms/").text)


# --- Contacts -----------------------------------------------------------------------------------
def add(client: Client, of: str, **fields: str) -> object:
    values = {f"{of}-{name}": value for name, value in fields.items()}
    return client.post("/alarms/contacts/", {"of": of, **values})


def test_a_contact_is_added_tested_and_removed_and_never_shown(lead: Client, mails) -> None:
    add(lead, "mine", name="my mail", channel="email", address="lise@example.org")
    contact = Contact.objects.of_person(Contact.objects.get().person).get()
    page = lead.get("/alarms/").text
    assert "my mail" in page
    assert "lise@example.org" not in page

    lead.post(f"/alarms/contacts/{contact.pk}/test/")
    alarm = Alarm.objects.get(cause=AlarmCause.TRIAL)
    send_alarm(alarm, now=timezone.now())
    assert mails.mails[0][0] == ["lise@example.org"]
    assert "lise: my mail, E-mail: sent" in words_of(lead.get("/alarms/?part=raised").text)

    lead.post(f"/alarms/contacts/{contact.pk}/remove/")
    assert not Contact.objects.standing().exists()
    assert Contact.objects.get().address == NO_ADDRESS


@pytest.mark.parametrize(
    ("channel", "address", "said"),
    [
        ("email", "nonsense", "Write an e-mail address."),
        ("sms", "0612345678", "Write the number with its country"),
        ("webhook", "https://127.0.0.1/x", "This address is private."),
        ("webhook", "https://169.254.169.254/", "This address is private."),
        ("webhook", "http://example.org/x", "Write an https address"),
        ("pigeon", "coo", "not one of the available choices"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(lead, channel, address, said) -> None:
    raise_alarm(factories.make_event("S261120ab", time_created=timezone.now()))

    answer = add(lead, "mine", name="x", channel=channel, address=address)

    assert answer.status_code == 422
    assert "No alarm was raised yet." not in answer.text
    assert said in words_of(answer.text)
    assert not Contact.objects.exists()


def test_observers_set_their_own_contacts_and_nobody_elses(client: Client) -> None:
    client.force_login(factories.make_observer())
    of_team, of_other = make_contact(None), make_contact(factories.make_observer("bob"))

    add(client, "mine", name="hook", channel="webhook", address=HOOK)
    assert add(client, "team", name="t", channel="webhook", address=HOOK).status_code == 403
    for contact in (of_team, of_other):
        for what in ("test", "remove"):
            assert client.post(f"/alarms/contacts/{contact.pk}/{what}/").status_code == 404

    page = client.get("/alarms/").text
    assert "email of bob" not in page
    assert "secret-of-the-hook" not in page


# --- The gateway --------------------------------------------------------------------------------
def test_the_gateway_is_set_and_its_secrets_are_never_shown(lead: Client) -> None:
    given = {
        "name": "sms.example.org",
        "url": f"https://sms.example.org/{KEY}/send",
        "headers": f"Authorization: Bearer {KEY}",
        "body": '{"to": "{to}", "text": "{text}", "key": "' + KEY + '"}',
    }

    assert lead.post("/alarms/gateway/", given).status_code == 302

    assert SmsGateway.objects.get().headers == given["headers"]
    pages = lead.get("/alarms/").text + lead.get("/alarms/gateway/").text
    assert "sms.example.org" in pages
    assert KEY not in pages
    lead.post("/alarms/gateway/remove/")
    assert not SmsGateway.objects.exists()
    assert lead.post("/alarms/gateway/", given | {"headers": ""}).status_code == 302


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://10.0.0.1/"}, "This address is private."),
        ({"headers": "nonsense"}, "Write one header a line"),
        ({"body": "To={to}"}, "The body has {to} and {text}."),
        ({"body": '{"to": "{to}" "{text}"}'}, "begins as JSON, and is none"),
    ],
)
def test_a_gateway_that_cannot_work_is_refused(lead: Client, change, said) -> None:
    given = {"name": "g", "url": "https://sms.example.org/", "body": "To={to}&Body={text}"}

    answer = lead.post("/alarms/gateway/", given | change)

    assert answer.status_code == 422
    assert said in words_of(answer.text)
    assert not SmsGateway.objects.exists()


# --- A trial ------------------------------------------------------------------------------------
def test_a_rule_is_tried_on_past_events_and_nothing_is_kept(lead: Client) -> None:
    factories.make_event("S261120ab", time_created=timezone.now(), alert_types=("INITIAL",))
    EventSequence.objects.update(
        details={"event": {"significant": True, "properties": {"HasNS": 1.0}}},
        time_created=timezone.now(),
    )
    plain = RULE | {"do": "try", "days": "7", "classes": "", "class_chance": "", "area_deg2": ""}

    said = lead.post("/alarms/rules/new/", plain | {"name": ""})

    assert said.status_code == 200
    assert "It would have called for 1 of 1 event since" in words_of(said.text)
    assert 'href="/events/S261120ab/"' in said.text
    assert "required." not in words_of(said.text)
    assert "7.0 a week" in words_of(said.text)
    none = lead.post("/alarms/rules/new/", plain | {"sources": ["frb"]})
    assert "It would have called for none of 1 event" in words_of(none.text)
    wrong = lead.post("/alarms/rules/new/", plain | {"has_ns": "1.5", "days": "-1"})
    assert (wrong.status_code, "Not tried: look" in wrong.text) == (422, True)
    assert not AlarmRule.objects.exists()


# --- Answers from outside -----------------------------------------------------------------------
def test_a_channel_of_answers_is_made_shown_once_and_removed(lead: Client) -> None:
    made = lead.post("/alarms/answers/", {"name": "  the   gateway "})

    channel = AnswerChannel.objects.get()
    assert (channel.name, made.status_code) == ("the gateway", 200)
    assert channel.secret in made.text
    assert f"/api/alarm-answers/{channel.pk}/" in made.text
    assert "no-store" in made["Cache-Control"]
    page = lead.get("/alarms/").text
    assert channel.secret not in page
    assert "the gateway never used" in words_of(page)
    for name in ("the gateway", "", "x" * 101, "a\tb\x07"):
        assert lead.post("/alarms/answers/", {"name": name}).status_code == 302
    assert AnswerChannel.objects.count() == 1

    lead.post(f"/alarms/answers/{channel.pk}/remove/")
    assert not AnswerChannel.objects.standing().exists()
    assert AnswerChannel.objects.get().secret != channel.secret
    assert lead.post("/alarms/answers/", {"name": "the gateway"}).status_code == 200
