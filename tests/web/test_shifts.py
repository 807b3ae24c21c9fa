"""The pages of shifts: who is on shift, claims in the lists, the log, and the way back."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.reports.alarms.conftest import make_shift
from tom.candidates.models import Vetting
from tom.candidates.verdicts import give_verdict
from tom.ranking.changing import change_strategy, make_strategy
from tom.reports.alarms.alarms import acknowledge_alarm, raise_alarm
from tom.shifts.claims import claim_target, release_claim
from tom.shifts.models import Claim, Shift, Visit
from tom.strategies.models import Strategy
from tom.strategies.versions import settings_of
from tom.streams.models import AlertMessage
from tom.web.shift_log import read_log

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def ada():
    return factories.make_observer("ada")


@pytest.fixture
def observer(client: Client, ada) -> Client:
    client.force_login(ada)
    return client


# --- Shifts -------------------------------------------------------------------------------------
def test_without_a_shift_the_page_says_so_and_offers_one(observer: Client) -> None:
    text = words_of(observer.get("/shift/").text)

    assert "Nobody is on shift" in text
    assert "No shift is planned." in text
    assert "Begin my shift" in text


def test_a_shift_is_begun_and_ended_and_its_hand_over_written(observer: Client, ada) -> None:
    observer.post("/shift/begin/", {"hours": "8"})
    shift = Shift.objects.get(person=ada)
    assert shift.end - shift.start == 8 * HOUR
    assert "ada" in words_of(observer.get("/shift/?part=now").text)

    answer = observer.post(f"/shift/{shift.pk}/end/", follow=True)
    assert "Hand-over of ada" in words_of(answer.text)

    answer = observer.post(f"/shift/{shift.pk}/", {"note": "<b>Look</b> at the first"}, follow=True)
    assert "&lt;b&gt;Look&lt;/b&gt; at the first" in answer.text


def test_who_saves_a_note_second_sees_both_and_overwrites_neither_unknowingly(
    client: Client,
) -> None:
    shift = make_shift(factories.make_user("ada"))
    address = f"/shift/{shift.pk}/"
    one, two = Client(), client
    one.force_login(factories.make_lead("lise"))
    two.force_login(factories.make_lead("otto"))

    def seen(page: str) -> str:
        return re.findall(r'name="after" value="([^"]*)"', page)[0]

    before = seen(one.get(address).text)
    one.post(address, {"note": "The first fades.", "after": before})
    refused = two.post(address, {"note": "The second rises.", "after": before})

    shift.refresh_from_db()
    assert refused.status_code == 422
    assert shift.note == "The first fades."
    assert "The first fades." in refused.text
    assert "The second rises.</textarea>" in refused.text
    again = {"note": "Both.", "after": seen(refused.text)}
    assert two.post(address, again).status_code == 302
    shift.refresh_from_db()
    assert shift.note == "Both."


def test_a_note_that_is_too_long_stays_in_the_form_and_a_line_break_is_one_sign(
    observer: Client, ada
) -> None:
    shift = make_shift(ada)
    address = f"/shift/{shift.pk}/"

    answer = observer.post(address, {"note": "x" * 10_001})

    assert answer.status_code == 422
    assert "A note has at most 10000 characters." in answer.text
    assert "x" * 10_001 in answer.text
    assert observer.post(address, {"note": "x\r\n" * 4_999 + "y"}).status_code == 302
    shift.refresh_from_db()
    assert shift.note == "x\n" * 4_999 + "y"


@pytest.mark.parametrize("hours", ["", "0", "49", "-1", "x", "8.5", "99999999999"])
def test_a_shift_of_odd_hours_is_not_begun(observer: Client, hours: str) -> None:
    answer = observer.post("/shift/begin/", {"hours": hours}, follow=True)

    assert "Choose for how many hours." in answer.text
    assert not Shift.objects.exists()


def test_somebody_takes_over(observer: Client) -> None:
    shift = make_shift(factories.make_observer("bob"))

    answer = observer.post(f"/shift/{shift.pk}/take/", {"hours": "4"}, follow=True)

    assert "You are on shift until" in answer.text
    assert "taken over from bob" in words_of(observer.get("/shift/?part=log").text)


def test_a_shift_is_planned_in_utc_and_refused_with_its_reason(observer: Client, ada) -> None:
    day = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%d")
    given = {"start": f"{day} 20:00", "end": f"{day} 23:30"}

    assert observer.post("/shift/add/", given).status_code == 302
    shift = Shift.objects.get(person=ada)
    again = observer.post("/shift/add/", given)

    assert f"{shift.start:%Y-%m-%d %H:%M}" == given["start"]
    assert again.status_code == 422
    assert "ada has a shift at that time already." in again.text
    assert given["start"] in words_of(observer.get("/shift/?part=calendar").text)


def test_a_lead_plans_for_others_and_nobody_else_does(client: Client, ada) -> None:
    given = {"person": "ada", "start": "2100-01-01 00:00", "end": "2100-01-01 08:00"}
    day = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%d")
    given |= {"start": f"{day} 00:00", "end": f"{day} 08:00"}
    bob = factories.make_observer("bob")
    client.force_login(bob)
    client.post("/shift/add/", given)
    client.force_login(factories.make_lead())
    client.post("/shift/add/", given)

    assert {shift.person for shift in Shift.objects.all()} == {ada, bob}


def test_nobody_ends_the_shift_of_another(observer: Client) -> None:
    shift = make_shift(factories.make_observer())

    answers = [
        observer.post(f"/shift/{shift.pk}/{what}").status_code for what in ("end/", "off/", "")
    ]

    assert answers == [403, 403, 403]


# --- Claims -------------------------------------------------------------------------------------
def test_a_candidate_is_claimed_in_the_list_and_others_see_it_and_it_is_undone(
    observer: Client, ada
) -> None:
    event = factories.make_event("S261120ab")
    target = factories.make_candidate(event).target
    address = f"/targets/{target.pk}/claim/"

    part = observer.post(address, {"event": "S261120ab"}, headers={"HX-Request": "true"}).text
    assert "You have this one" in words_of(part)
    assert Claim.objects.get().event == event

    other = Client()
    other.force_login(factories.make_observer())
    for page in ("/events/S261120ab/", f"/targets/{target.pk}/", "/shift/", address):
        assert "ada" in words_of(other.get(page).text), page
    assert "ada has this one" in words_of(other.get("/events/S261120ab/").text)

    observer.post(address, {"do": "release"})
    assert "I have this one" in words_of(observer.get(address).text)


def test_another_takes_it_only_on_purpose(observer: Client) -> None:
    target = factories.make_target()
    claim_target(target, by=factories.make_observer("bob"), now=timezone.now())
    address = f"/targets/{target.pk}/claim/"

    observer.post(address, {"do": "claim"})
    assert Claim.objects.get(released=None).by.username == "bob"
    observer.post(address, {"do": "release"})
    assert Claim.objects.get(released=None).by.username == "bob"
    observer.post(address, {"do": "take"})

    assert Claim.objects.get(released=None).by.username == "ada"


def test_who_may_not_claim_sees_no_button(client: Client) -> None:
    client.force_login(factories.make_user())
    target = factories.make_target()

    assert "<button" not in client.get(f"/targets/{target.pk}/claim/").text
    assert client.post(f"/targets/{target.pk}/claim/").status_code == 403


# --- The log ------------------------------------------------------------------------------------
def test_the_log_has_what_happened_and_only_what_one_may_see(ada, settings) -> None:
    settings.ALARM_EMAILS = ["shift@example.org"]
    now = timezone.now()
    group = factories.make_group()
    member = factories.make_observer("member", groups=[group])
    event = factories.make_event("S261120ab", time_created=now)
    hidden = factories.make_candidate(
        event, factories.make_target("SECRET26a", private=True, owners=[group]), is_public=False
    )
    seen = factories.make_candidate(event, factories.make_target("ZTF26a"))
    alarm = raise_alarm(event)
    acknowledge_alarm(alarm, ada)
    give_verdict(seen, Vetting.PROMISING, by=ada, note="it is blue")
    give_verdict(hidden, Vetting.PROMISING, by=member)
    for candidate in (seen, hidden):
        release_claim(claim_target(candidate.target, by=member, now=now), by=member, now=now)
    make_shift(ada)

    logs = [read_log(who, now - 2 * HOUR, now + HOUR) for who in (ada, member)]

    mine = "\n".join(f"{entry.kind} {entry.words}" for entry in logs[0])
    assert "Event S261120ab: preliminary" in mine
    assert "Alarm S261120ab: significant gravitational wave" in mine
    assert "Sent to nobody" in mine  # it is on its way yet
    assert "Answer ada answered: S261120ab" in mine
    assert "Verdict ada: ZTF26a for S261120ab is promising (it is blue)" in mine
    assert "Claim member has ZTF26a\n" in mine
    assert "Claim member has ZTF26a no longer" in mine
    assert "Shift ada's shift began" in mine
    assert "SECRET26a" not in mine
    assert any("SECRET26a" in entry.words for entry in logs[1])
    assert [entry.time for entry in logs[0]] == sorted(
        (entry.time for entry in logs[0]), reverse=True
    )


def test_the_log_has_each_change_of_a_list_that_one_may_see(ada) -> None:
    group, now = factories.make_group(), timezone.now()
    lea = factories.make_lead("lea", groups=[group])
    first = settings_of(Strategy(name="Bright things"))
    made = make_strategy(first, by=lea)
    change_strategy(made.pk, first | {"explore": 0.1}, by=lea, shown=1, note="too few")
    make_strategy(first | {"name": "Secret things", "group": group.pk}, by=lea)

    logs = [read_log(who, now - HOUR, now + HOUR) for who in (ada, lea)]

    told = [(entry.kind, entry.words) for entry in logs[0]]
    assert told == [
        ("Settings", "lea changed the settings of Bright things: too few"),
        ("Settings", "lea made the list Bright things"),
    ]
    assert {entry.url for entry in logs[0]} == {f"/lists/{made.pk}/versions/"}
    assert any("Secret things" in entry.words for entry in logs[1])


def test_the_log_goes_back_two_weeks_at_most(ada) -> None:
    now, event = timezone.now(), factories.make_event("S261120ab")
    messages = AlertMessage.objects.filter(pk__in=event.sequences.values("message"))
    for days, told in ((13, True), (15, False)):
        messages.update(received=now - timedelta(days=days))

        assert bool(read_log(ada, now - timedelta(days=60), now)) is told


def test_the_log_asks_as_often_for_many_as_for_few(ada, django_assert_max_num_queries) -> None:
    now = timezone.now()
    event = factories.make_event(time_created=now)
    for _ in range(12):
        candidate = factories.make_candidate(event)
        give_verdict(candidate, Vetting.WATCHING, by=ada)
        claim_target(candidate.target, by=ada, now=now)

    with django_assert_max_num_queries(14):
        entries = read_log(ada, now - HOUR, now + HOUR)

    assert len(entries) > 24


# --- Since you were away ------------------------------------------------------------------------
def test_the_first_page_tells_what_came_until_one_has_read_it(observer: Client, ada) -> None:
    assert "Since you were away" not in observer.get("/").text
    Visit.objects.create(user=ada, last=timezone.now() - 5 * HOUR)
    factories.make_event("S261120ab")

    text = words_of(observer.get("/").text)
    assert "Since you were away" in text
    assert "S261120ab: update" in words_of(observer.get("/shift/away/").text)

    observer.post("/shift/away/read/")
    assert "Since you were away" not in observer.get("/").text
    assert "nothing is unread" in observer.get("/shift/away/").text
