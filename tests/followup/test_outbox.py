"""The outbox before a portal in trouble: what is sent, what is not, and what is not known."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.followup.conftest import follow_requests, make_request
from tests.peers.ocs_answers import Trouble, portal_in_trouble
from tests.test_redaction import CODINGS
from tom.events.models import NonLocalizedEvent
from tom.followup.facilities.contract import Progress, Remote
from tom.followup.facilities.ocs import calls as portal_calls
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.following import mark_interrupted
from tom.followup.models import (
    Exchange,
    FacilityWatch,
    ObservationRequest,
)
from tom.followup.progress import accept
from tom.followup.services import (
    cancel_request,
    poll_requests,
    reconcile_request,
    resume_sending,
    send_cancel,
    stop_sending,
    submit_request,
)
from tom.followup.states import RequestState

pytestmark = pytest.mark.django_db
S = RequestState
TOKEN = "a-token-that-nobody-may-read"
NOT_THERE = {"count": 0, "next": None, "results": []}


@pytest.fixture
def trouble(settings: Settings) -> Iterator[Trouble]:
    with portal_in_trouble() as server:
        settings.OCS_PORTAL_URL = server.url
        settings.OCS_API_TOKEN = TOKEN
        settings.OCS_PROPOSAL = "TOM-001"
        settings.OCS_PRACTICE = True
        yield server


@pytest.fixture
def request_(trouble: Trouble, target: BaseTarget, observer: User) -> ObservationRequest:
    return make_request(target, observer, facility="LCO")


def group(request: ObservationRequest, *, state: str = "PENDING") -> dict[str, object]:
    return {"id": 71, "name": request.key, "state": state}


def submit(request: ObservationRequest) -> bool:
    sent = submit_request(request)
    request.refresh_from_db()
    return sent


def reconcile(request: ObservationRequest) -> None:
    reconcile_request(request)
    request.refresh_from_db()


def cancel_there(request: ObservationRequest) -> None:
    send_cancel(request)
    request.refresh_from_db()


def lose_answer(request: ObservationRequest, trouble: Trouble) -> None:
    trouble.say(502)
    submit(request)
    assert request.state == S.UNKNOWN
    trouble.calls.clear()


def make_event_of(request: ObservationRequest, **fields: object) -> NonLocalizedEvent:
    """Make the event that the request is for."""
    event = factories.make_event(**fields)
    ObservationRequest.objects.filter(pk=request.pk).update(event=event)
    return event


def over(request: ObservationRequest) -> None:
    """Let the quiet time pass."""
    request.tried_at = timezone.now() - timedelta(hours=1)
    request.save(update_fields=["tried_at"])


def posts(trouble: Trouble) -> list[tuple[str, str]]:
    return [call for call in trouble.calls if call[0] == "POST"]


def test_a_portal_that_asks_us_to_wait_is_asked_again_when_it_said(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(429, {"detail": "throttled"}, retry_after="77")
    began, wait = timezone.now(), timedelta(seconds=77)

    submit(request_)

    assert request_.state == S.RETRY_AT
    assert began + wait < request_.due_at < timezone.now() + wait


def test_a_portal_that_names_no_sensible_time_is_asked_again_all_the_same(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(429, {"detail": "throttled"}, retry_after="9" * 20)

    submit(request_)

    assert request_.state == S.RETRY_AT


def test_a_refused_connection_sent_nothing_and_is_tried_again(
    trouble: Trouble, request_: ObservationRequest, settings: Settings
) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"  # nobody listens there

    submit(request_)

    assert request_.state == S.RETRY_AT
    assert "No connection" in request_.reason
    assert request_.due_at > timezone.now()


def test_a_name_that_does_not_exist_sent_nothing(
    request_: ObservationRequest, settings: Settings
) -> None:
    settings.OCS_PORTAL_URL = "http://portal.invalid"

    submit(request_)

    assert request_.state == S.RETRY_AT


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("OCS_PORTAL_URL", "observe.example.org"),
        ("OCS_PORTAL_URL", "localhost:8000"),
        ("OCS_PORTAL_URL", "http://"),
        ("OCS_PORTAL_URL", "ftp://observe.example.org"),
        *[("OCS_API_TOKEN", f"{TOKEN}{end}") for end in ("\r", "\n", "\r\nX: y", "é", "\0")],
    ],
)
def test_a_setting_that_cannot_be_used_sends_nothing_and_the_token_is_not_told(
    setting: str,
    value: str,
    trouble: Trouble,
    request_: ObservationRequest,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    setattr(settings, setting, value)

    submit(request_)

    assert request_.state == S.RETRY_AT
    assert setting in request_.reason
    assert not trouble.calls
    assert TOKEN not in f"{request_.reason}{list(Exchange.objects.values())}{caplog.text}"


def test_an_unknown_request_stays_so_where_a_setting_cannot_be_used(
    trouble: Trouble, request_: ObservationRequest, settings: Settings
) -> None:
    lose_answer(request_, trouble)
    over(request_)
    settings.OCS_API_TOKEN = f"{TOKEN}\r"

    reconcile(request_)

    assert request_.state == S.UNKNOWN
    assert "OCS_API_TOKEN" in request_.reason
    assert TOKEN not in request_.reason


def test_a_refusal_is_told_with_every_nested_reason(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    fault = {"exposure_time": ["must be positive"]}
    inner = {"configurations": [{}, {"instrument_configs": [fault]}]}
    trouble.say(400, {"requests": [inner], "non_field_errors": ["no time left"]})

    submit(request_)

    assert request_.state == S.REJECTED
    assert (
        "requests.0.configurations.1.instrument_configs.0.exposure_time: must be positive"
        in request_.reason
    )
    assert "no time left" in request_.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rb'{"detail": "no\u0000 time\ud800"}', "400: no time?"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, '400: {"a":'),
        (b'{"detail": "' + b"x" * 300_000 + b'"}', "400: xxx"),
    ],
)
def test_a_refusal_that_is_hard_to_read_is_one_all_the_same(
    body: bytes, reason: str, trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(400, body)

    submit(request_)

    assert request_.state == S.REJECTED
    assert request_.reason.startswith(reason)
    assert len(request_.reason) < 5000


@pytest.mark.parametrize("status", [301, 408, 425, 500, 502, 503, 504])
def test_what_is_no_definite_answer_is_unknown(
    status: int, trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(status, {"id": 1}, location="http://elsewhere.invalid/")

    submit(request_)

    assert request_.state == S.UNKNOWN
    assert len(trouble.calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>welcome</html>",
        b"[1, 2",
        b"[]",
        b'{"id": 5}',
        b"null",
        b"\xff\x00",
        b"[" * 9999,
    ],
)
def test_a_yes_that_cannot_be_read_is_unknown(
    body: bytes, trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, body)

    submit(request_)

    assert request_.state == S.UNKNOWN


def test_an_answer_about_another_request_is_unknown(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, {"id": 5, "name": "somebody else's", "state": "PENDING"})

    submit(request_)

    assert request_.state == S.UNKNOWN


def test_a_connection_that_ends_without_an_answer_is_unknown(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.drop = True

    submit(request_)

    assert request_.state == S.UNKNOWN
    assert len(posts(trouble)) == 1


def test_a_yes_that_is_cut_short_is_unknown_even_where_it_reads_well(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_))
    trouble.missing_bytes = 10

    submit(request_)

    assert request_.state == S.UNKNOWN


def test_an_answer_that_comes_drop_by_drop_is_given_up(
    trouble: Trouble, request_: ObservationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_calls, "WHOLE_SECONDS", 0.5)
    trouble.say(201, b" " * 1000)
    trouble.seconds_between_bytes = 0.1

    submit(request_)

    assert request_.state == S.UNKNOWN


def test_an_answer_without_end_is_given_up(
    trouble: Trouble, request_: ObservationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_calls, "LARGEST_ANSWER", 1000)
    trouble.say(201, b" " * 300_000)

    submit(request_)

    assert request_.state == S.UNKNOWN


def test_an_unknown_request_is_never_sent_by_a_nudge(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)

    sent = submit_request(request_)

    assert not sent
    assert not trouble.calls


def test_an_unknown_request_found_by_its_key_is_accepted(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    other = {**group(request_), "id": 72, "name": f"{request_.key}0"}  # the filter is a substring
    trouble.say(200, {"count": 2, "next": None, "results": [other, group(request_), other]})

    reconcile(request_)

    assert (request_.state, request_.remote_id) == (S.ACCEPTED, "71")


def test_an_unknown_request_found_after_it_ended_has_ended_with_us_too(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    found = {"count": 1, "next": None, "results": [group(request_, state="WINDOW_EXPIRED")]}
    trouble.say(200, found)

    reconcile(request_)

    assert (request_.state, request_.remote_state) == (S.EXPIRED, "WINDOW_EXPIRED")
    assert request_.record.status == "WINDOW_EXPIRED"
    assert [change.new for change in request_.changes.all()][-2:] == [S.ACCEPTED, S.EXPIRED]


def test_requests_are_looked_for_and_followed_under_the_proposal_they_were_sent_for(
    trouble: Trouble, request_: ObservationRequest, settings: Settings
) -> None:
    lose_answer(request_, trouble)
    settings.OCS_PROPOSAL = "NEXT-SEMESTER"
    trouble.say(200, {"count": 1, "next": None, "results": [group(request_)]})
    reconcile_request(request_)
    trouble.say(200, NOT_THERE)

    poll_requests("LCO", timezone.now())

    find, *polls = [path for _, path in trouble.calls]
    assert "proposal" not in find
    assert [path.partition("?")[0] for path in polls] == [
        "/api/requestgroups/",
        "/api/observations/",
    ]
    assert all("proposal=TOM-001&" in path for path in polls)


def test_an_unknown_request_that_is_not_there_waits_for_the_quiet_time(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    trouble.say(200, NOT_THERE)

    reconcile(request_)

    assert request_.state == S.UNKNOWN
    assert not posts(trouble)


def test_after_the_quiet_time_it_is_sent_again_with_the_same_key(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    trouble.say(200, NOT_THERE)
    over(request_)
    sent_first = request_.exchanges.get(method="POST").sent

    reconcile_request(request_)

    sent_again = request_.exchanges.filter(method="POST").last().sent
    assert len(posts(trouble)) == 1
    assert sent_again == sent_first
    assert request_.key in sent_again


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, None), (403, {"detail": "Invalid token."}), (429, None), (200, b"<html>"), (200, {})],
)
def test_where_the_portal_cannot_be_asked_it_stays_unknown_and_says_so(
    status: int, body: object, trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    over(request_)
    trouble.say(status, body)

    reconcile(request_)

    assert request_.state == S.UNKNOWN
    assert "could not be asked" in request_.reason
    assert not posts(trouble)
    assert request_.due_at > timezone.now()


def test_only_a_look_up_asked_after_the_quiet_time_says_that_it_is_not_there(
    trouble: Trouble, request_: ObservationRequest, settings: Settings
) -> None:
    lose_answer(request_, trouble)
    trouble.say(200, NOT_THERE)

    trouble.meanwhile = partial(setattr, settings, "REQUEST_QUIET_SECONDS", 0)
    reconcile(request_)

    assert request_.state == S.UNKNOWN
    assert not posts(trouble)


def test_what_a_lost_worker_was_sending_may_still_turn_up_for_the_quiet_time(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    now = timezone.now()
    ObservationRequest.objects.filter(pk=request_.pk).update(
        state=S.SUBMITTING, attempts=1, tried_at=now - timedelta(seconds=100), due_at=None
    )
    trouble.say(200, NOT_THERE)

    follow_requests(now)

    request_.refresh_from_db()
    assert request_.state == S.UNKNOWN
    assert not posts(trouble)


def test_an_unknown_request_of_an_event_retracted_meanwhile_is_held_not_sent(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    event = make_event_of(request_)
    lose_answer(request_, trouble)
    over(request_)
    event.retracted = True
    event.save()
    trouble.say(200, NOT_THERE)

    reconcile(request_)

    assert request_.state == S.HELD
    assert not posts(trouble)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"retracted": True}, "retracted"), ({"test_reasons": ["group is Test"]}, "test event")],
)
def test_what_an_event_turns_out_to_be_while_the_portal_is_asked_keeps_its_request_back(
    fields: dict[str, object],
    reason: str,
    trouble: Trouble,
    request_: ObservationRequest,
    settings: Settings,
) -> None:
    event = make_event_of(request_)
    lose_answer(request_, trouble)
    over(request_)
    settings.OCS_PRACTICE = False
    trouble.say(200, NOT_THERE)

    def learn() -> None:
        NonLocalizedEvent.objects.filter(pk=event.pk).update(**fields)
        connection.close()

    trouble.meanwhile = learn
    reconcile(request_)

    assert request_.state == S.HELD
    assert reason in request_.reason
    assert not posts(trouble)


def test_the_outbox_itself_holds_what_must_not_reach_a_real_facility(
    trouble: Trouble, request_: ObservationRequest, settings: Settings
) -> None:
    make_event_of(request_, test_reasons=["group is Test"])
    settings.OCS_PRACTICE = False

    sent = submit(request_)

    assert not sent
    assert request_.state == S.HELD
    assert "test event" in request_.reason
    assert not trouble.calls


def test_a_request_whose_window_is_over_is_not_sent(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    past = timezone.now() - timedelta(days=1)
    ObservationRequest.objects.filter(pk=request_.pk).update(
        window_start=past - timedelta(days=1), window_end=past
    )

    submit(request_)

    assert request_.state == S.EXPIRED
    assert not trouble.calls


def test_a_request_to_a_facility_no_longer_configured_is_held(
    request_: ObservationRequest, settings: Settings
) -> None:
    settings.OCS_PORTAL_URL = ""

    submit(request_)

    assert request_.state == S.HELD
    assert "LCO" in request_.reason


def test_nothing_is_sent_while_sending_is_stopped(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    stop_sending(observer, reason="storm")
    stopped = submit_request(request_)
    calls_while_stopped = list(trouble.calls)
    resume_sending(observer)

    trouble.say(201, group(request_))
    resumed = submit_request(request_)

    assert (stopped, resumed) == (False, True)
    assert not calls_while_stopped


def test_a_cancel_while_the_answer_is_lost_waits_until_it_is_known_what_to_cancel(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    lose_answer(request_, trouble)
    cancel_request(request_, observer)
    trouble.say(200, NOT_THERE)

    cancel_there(request_)

    assert request_.state == S.CANCEL_REQUESTED
    over(request_)
    cancel_there(request_)
    assert request_.state == S.CANCELED


@pytest.mark.django_db(transaction=True)
def test_a_request_cancelled_while_its_answer_is_lost_may_turn_up_for_the_quiet_time(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    def cancel() -> None:  # and the answer takes its time
        rows = ObservationRequest.objects.filter(pk=request_.pk)
        rows.update(state=S.CANCEL_REQUESTED, tried_at=timezone.now() - timedelta(seconds=70))
        connection.close()

    trouble.say(502)
    trouble.meanwhile = cancel
    submit(request_)
    trouble.say(200, NOT_THERE)
    trouble.meanwhile = lambda: None

    cancel_there(request_)

    assert request_.state == S.CANCEL_REQUESTED


def test_only_a_look_up_asked_after_the_quiet_time_ends_a_cancelled_request(
    trouble: Trouble, request_: ObservationRequest, observer: User, settings: Settings
) -> None:
    lose_answer(request_, trouble)
    cancel_request(request_, observer)
    trouble.say(200, NOT_THERE)

    trouble.meanwhile = partial(setattr, settings, "REQUEST_QUIET_SECONDS", 0)
    cancel_there(request_)

    assert request_.state == S.CANCEL_REQUESTED


def test_a_request_cancelled_while_it_was_sent_has_its_record_all_the_same(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    ObservationRequest.objects.filter(pk=request_.pk).update(state=S.SUBMITTING, attempts=1)
    request_.refresh_from_db()
    sending = ObservationRequest.objects.get(pk=request_.pk)
    cancel_request(request_, observer)

    accept(sending, Remote("71", request_.key, "PENDING", Progress.PENDING))

    request_.refresh_from_db()
    assert (request_.state, request_.remote_id) == (S.CANCEL_REQUESTED, "71")
    assert request_.record.observation_id == "71"
    trouble.say(200, group(request_, state="CANCELED"))
    send_cancel(request_)
    request_.record.refresh_from_db()
    assert request_.record.status == "CANCELED"


def test_an_answer_that_comes_once_its_worker_was_given_up_is_taken_all_the_same(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    now = timezone.now()
    ObservationRequest.objects.filter(pk=request_.pk).update(
        state=S.SUBMITTING, attempts=1, tried_at=now - timedelta(seconds=100), due_at=now
    )
    slow = ObservationRequest.objects.get(pk=request_.pk)
    mark_interrupted("LCO", now)

    accept(slow, Remote("71", request_.key, "PENDING", Progress.PENDING))

    request_.refresh_from_db()
    assert (request_.state, request_.remote_id) == (S.ACCEPTED, "71")
    assert request_.record.observation_id == "71"


def test_a_cancel_that_is_not_answered_is_sent_again_later(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)
    request_.refresh_from_db()
    cancel_request(request_, observer)
    trouble.say(502)

    cancel_there(request_)

    assert request_.state == S.CANCEL_REQUESTED
    assert request_.due_at > timezone.now()
    assert "Not cancelled" in request_.reason


def test_the_token_is_kept_nowhere(trouble: Trouble, request_: ObservationRequest) -> None:
    trouble.say(403, {"detail": f"Invalid token {TOKEN}"})

    submit(request_)

    exchange = Exchange.objects.get()
    assert (exchange.method, exchange.status) == ("POST", 403)
    kept = f"{request_.reason}{list(Exchange.objects.values())}{list(request_.changes.values())}"
    assert TOKEN not in kept


@pytest.mark.parametrize("status", [201, 400, 403, 502])
@pytest.mark.parametrize("coding", ["JSON escapes", "URL", "base64 after a word", "HTML"])
def test_a_token_that_is_echoed_in_another_coding_is_kept_nowhere(
    coding: str,
    status: int,
    trouble: Trouble,
    request_: ObservationRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    coded = CODINGS[coding](TOKEN)
    trouble.say(status, f'{{"detail": "Invalid token {coded}", "state": "{coded}"}}'.encode())

    submit(request_)

    kept = f"{request_.reason}{list(Exchange.objects.values())}{list(request_.changes.values())}"
    assert TOKEN not in kept
    assert coded not in kept
    assert coded not in caplog.text
    assert "[secret]" in Exchange.objects.get().received


ODD_IDS = [
    None,
    "",
    " ",
    -71,
    0,
    71.5,
    True,
    [71],
    {"id": 71},
    "7\0001",
    "7" * 65,
    10**80,
    "../71",
    "7 1",
    "\ud800",
    "७१",
    TOKEN,
]
ODD_STATES = [
    None,
    "",
    "  ",
    5,
    -5,
    ["PENDING"],
    {},
    "P\0ENDING",
    "P" * 65,
    "\ud800",
    "A\nB",
    TOKEN,
]


@pytest.mark.parametrize(
    "odd",
    [*({"id": each} for each in ODD_IDS), *({"state": each} for each in ODD_STATES)],
    ids=repr,
)
def test_an_odd_answer_to_a_new_request_leaves_it_unknown_with_the_reason_until_it_is_found(
    odd: dict[str, object], trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_) | odd)
    submit(request_)
    sent = (request_.state, request_.reason)
    trouble.say(200, {"count": 1, "next": None, "results": [group(request_) | odd]})
    over(request_)
    reconcile(request_)
    looked_up = (request_.state, request_.reason)

    trouble.say(200, {"count": 1, "next": None, "results": [group(request_)]})
    reconcile(request_)

    assert sent[0] == looked_up[0] == S.UNKNOWN
    assert "is not understood: its " in sent[1]
    assert "is not understood: its " in looked_up[1]
    assert (request_.state, request_.remote_id, request_.attempts) == (S.ACCEPTED, "71", 1)


@pytest.mark.parametrize("body", [[], "PENDING", 71, None, [{"id": 71}], {"id": 71}])
def test_an_answer_of_another_kind_leaves_a_request_unknown(
    body: object, trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, body)

    submit(request_)

    assert request_.state == S.UNKNOWN
    assert request_.reason


@pytest.mark.parametrize(
    "page",
    [
        {"count": 1, "next": None, "results": []},
        {"count": 0, "next": None, "results": ""},
        {"count": 0, "next": None, "results": {}},
        {"count": 0, "next": None, "results": None},
        [],
    ],
)
def test_a_list_that_is_none_does_not_say_that_a_request_is_not_there(
    page: object, trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    over(request_)
    trouble.say(200, page)

    reconcile(request_)

    assert (request_.state, request_.attempts) == (S.UNKNOWN, 1)
    assert "could not be asked" in request_.reason


def test_an_odd_group_in_a_poll_moves_nothing_but_is_told_and_read_again(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    other = make_request(
        factories.make_target("other"), observer, facility="LCO", state=S.ACCEPTED, remote_id="72"
    )
    ObservationRequest.objects.filter(pk=request_.pk).update(state=S.SCHEDULED, remote_id="71")
    good = group(other, state="COMPLETED") | {"id": 72}
    odd = group(request_) | {"state": "P" * 70}
    trouble.say(200, {"count": 2, "next": None, "results": [odd, good]})
    trouble.bodies["/api/observations/"] = b'{"count": 0, "next": null, "results": []}'

    poll_requests("LCO", timezone.now())

    watch = FacilityWatch.objects.get(facility="LCO")
    request_.refresh_from_db()
    other.refresh_from_db()
    assert (request_.state, other.state) == (S.SCHEDULED, S.COMPLETED)
    assert "its state is missing, empty, too long" in watch.detail
    assert watch.read_until < timezone.now() - timedelta(hours=23)  # they are asked for again


def test_a_portal_that_cannot_be_polled_is_asked_less_and_less_often(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)
    trouble.say(503)

    for seconds in (10, 20, 40):
        began = timezone.now()
        poll_requests("LCO", began)
        watch = FacilityWatch.objects.get(facility="LCO")
        wait = timedelta(seconds=seconds)
        assert began + wait < watch.next_poll < timezone.now() + wait

    assert (watch.failures, "503" in watch.detail) == (3, True)
    request_.refresh_from_db()
    assert request_.state == S.ACCEPTED


def sweep_meanwhile(trouble: Trouble, clock: Callable[[], datetime]) -> None:
    """Let the sweep come by while we wait for an answer."""

    def sweep() -> None:
        if len(trouble.calls) < 5:
            follow_requests(clock())
        connection.close()

    trouble.meanwhile = sweep


def in_a_minute() -> datetime:
    """When what was put off just now is due."""
    return timezone.now() + timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_a_request_is_looked_for_once_however_often_the_sweep_comes_by_meanwhile(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    lose_answer(request_, trouble)
    trouble.say(503)

    sweep_meanwhile(trouble, in_a_minute)
    follow_requests(in_a_minute())

    assert len(trouble.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_a_facility_is_polled_once_however_often_the_sweep_comes_by_meanwhile(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)
    trouble.calls.clear()
    trouble.say(503)

    sweep_meanwhile(trouble, timezone.now)
    follow_requests(timezone.now())

    assert len(trouble.calls) == 1


def test_a_portal_that_cannot_be_asked_for_one_request_is_not_asked_for_the_others_at_once(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    others = [make_request(factories.make_target(), observer, facility="LCO") for _ in range(2)]
    for request in (request_, *others):
        lose_answer(request, trouble)
    trouble.say(503)

    follow_requests(in_a_minute())

    assert len(trouble.calls) == 1
    rows = ObservationRequest.objects.all()
    assert {row.state for row in rows} == {S.UNKNOWN}
    assert all("could not be asked" in row.reason for row in rows)


def test_a_portal_that_hangs_when_it_is_sent_to_again_is_not_sent_the_others_at_once(
    trouble: Trouble, request_: ObservationRequest, observer: User
) -> None:
    other = make_request(factories.make_target(), observer, facility="LCO")
    for request in (request_, other):
        lose_answer(request, trouble)
        over(request)
    trouble.say(200, NOT_THERE)  # no answer to a new group

    follow_requests(in_a_minute())

    assert len(posts(trouble)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_accepted_during_a_poll_is_asked_for_at_the_next(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    now = timezone.now()
    ObservationRequest.objects.filter(pk=request_.pk).update(state=S.COMPLETED, remote_id="70")

    def accepted() -> None:
        FacilityWatch.objects.filter(facility="LCO").update(next_poll=now)
        connection.close()

    trouble.say(200, NOT_THERE)
    trouble.meanwhile = accepted
    follow_requests(now)

    watch = FacilityWatch.objects.get(facility="LCO")
    assert (watch.next_poll, watch.failures) == (now, 0)
    assert watch.last_answer is not None


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_late_changes_nothing_of_what_was_said_meanwhile(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)

    def completed() -> None:  # as a poll beside ours was told
        ObservationRequest.objects.filter(pk=request_.pk).update(state=S.COMPLETED)
        connection.close()

    trouble.say(200, NOT_THERE)
    trouble.meanwhile = completed
    poll_requests("LCO", timezone.now())

    request_.refresh_from_db()
    assert request_.state == S.COMPLETED


def test_a_facility_is_asked_for_no_changes_from_before_its_requests_were_sent(
    trouble: Trouble, request_: ObservationRequest
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)
    now = timezone.now()
    FacilityWatch.objects.create(
        facility="LCO", next_poll=now, read_until=now - timedelta(days=300)
    )
    trouble.say(200, NOT_THERE)

    poll_requests("LCO", now)

    request_.refresh_from_db()
    since = (request_.tried_at - timedelta(days=1)).strftime("%Y-%m-%d+%H%%3A%M%%3A%S")
    assert f"modified_after={since}" in trouble.calls[-2][1]


def test_one_facility_in_trouble_keeps_none_of_the_others_from_being_followed(
    trouble: Trouble, request_: ObservationRequest, observer: User, settings: Settings
) -> None:
    trouble.say(201, group(request_))
    submit_request(request_)
    practice = make_request(factories.make_target(), observer)
    submit_request(practice)
    PracticeObservation.objects.update(created=timezone.now() - timedelta(hours=1))
    settings.OCS_POLL_SECONDS = float("nan")  # no time to poll at
    trouble.say(200, NOT_THERE)

    follow_requests(timezone.now())

    practice.refresh_from_db()
    assert practice.state == S.COMPLETED
    assert "ValueError" in FacilityWatch.objects.get(facility="LCO").detail


def test_one_request_in_trouble_keeps_none_of_the_others_from_being_settled(
    observer: User,
) -> None:
    odd, plain = (make_request(factories.make_target(), observer) for _ in range(2))
    now = timezone.now()
    for request, step_seconds in ((odd, 0), (plain, 60)):  # a division by zero
        PracticeObservation.objects.create(
            key=request.key, body=request.body, created=now, step_seconds=step_seconds
        )
    ObservationRequest.objects.update(state=S.UNKNOWN, attempts=1, tried_at=now, due_at=now)

    follow_requests(now)

    odd.refresh_from_db()
    plain.refresh_from_db()
    assert (odd.state, plain.state) == (S.UNKNOWN, S.ACCEPTED)
    assert "ZeroDivisionError" in odd.reason
    assert odd.due_at > now
