"""A request in an OCS portal's words and back, and what an instrument can do: without a portal."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.followup.facilities.contract import Instrument, Progress
from tom.followup.facilities.limits import LONGEST_WINDOW, check_limits, find_instrument
from tom.followup.facilities.ocs.answers import LONGEST_WORD, read_group, read_id
from tom.followup.facilities.ocs.body import write_body
from tom.followup.facilities.ocs.calls import (
    LONGEST_RETRY_AFTER,
    Answer,
    PortalAccess,
    answered_at,
    checked,
    flatten,
)
from tom.followup.facilities.ocs.instruments import CARDS, LCO, SOAR
from tom.followup.facilities.ocs.listing import listed_instruments, read_listing
from tom.followup.spec import (
    MOST_FURTHER_TARGETS,
    Aim,
    InvalidSpecError,
    ObservationSpec,
    read_spec,
)
from tom.outbox.errors import NothingSentError, RejectedError, UnknownOutcomeError

NOW = datetime(2026, 1, 1, 5, tzinfo=UTC)
IMAGER, SPECTROGRAPH = LCO.instruments
AIM = Aim(name="SN2026abc", ra=10.5, dec=-20.25)


def make_spec(**fields: Any) -> ObservationSpec:
    given = {
        "exposures": [{"element": "rp", "seconds": 120, "count": 2}],
        "start": NOW,
        "end": NOW + timedelta(days=1),
    }
    return read_spec(given | fields)


def show(text: str) -> str:
    """Hide the only secret that there is here."""
    return text.replace("hunter2", "***")


# --- The body -----------------------------------------------------------------------------------
def write(spec: ObservationSpec, instrument: Instrument = IMAGER, card: Any = LCO) -> Any:
    body = write_body(
        spec,
        instrument,
        words=card.words[instrument.name],
        aims=spec.aims(AIM),
        key="key|T1",
        proposal="TOM-001",
    )
    return json.loads(json.dumps(body))  # it is sent as JSON


def test_an_image_is_asked_for_in_the_portal_s_words() -> None:
    body = write(make_spec(mode="TIME_CRITICAL", priority=1.5, max_airmass=2.0))

    assert {name: body[name] for name in ("name", "proposal", "ipp_value", "observation_type")} == {
        **{"name": "key|T1", "proposal": "TOM-001", "ipp_value": 1.5},
        "observation_type": "TIME_CRITICAL",
    }
    (request,) = body["requests"]
    assert request["location"] == {"telescope_class": "1m0"}
    assert request["windows"] == [{"start": "2026-01-01T05:00:00Z", "end": "2026-01-02T05:00:00Z"}]
    (configuration,) = request["configurations"]
    assert configuration["type"] == "EXPOSE"
    assert configuration["constraints"] == {"max_airmass": 2.0, "min_lunar_distance": 20}
    assert (configuration["target"]["ra"], configuration["target"]["dec"]) == (10.5, -20.25)
    (shot,) = configuration["instrument_configs"]
    assert (shot["exposure_count"], shot["exposure_time"]) == (2, 120)
    assert shot["optical_elements"] == {"filter": "rp"}
    assert "rotator_mode" not in shot


def test_a_spectrum_is_acquired_and_guided_through_its_slit_and_grating() -> None:
    spec = make_spec(exposures=[{"element": "slit_1.0as", "seconds": 600}])

    configuration = write(spec, SOAR.instruments[1], SOAR)["requests"][0]["configurations"][0]

    assert configuration["type"] == "SPECTRUM"
    assert configuration["acquisition_config"] == {"mode": "WCS"}
    assert configuration["guiding_config"] == {"mode": "ON"}
    (shot,) = configuration["instrument_configs"]
    assert shot["optical_elements"] == {"slit": "slit_1.0as", "grating": "SYZY_400"}
    assert shot["rotator_mode"] == "VFLOAT"


def test_each_target_is_a_configuration_in_their_order_with_a_name_that_fits() -> None:
    spec = make_spec(further_targets=[{"name": "x" * 200, "ra": 1.0, "dec": 2.0}])

    targets = [each["target"] for each in write(spec)["requests"][0]["configurations"]]

    assert [target["name"] for target in targets] == ["SN2026abc", "x" * 50]
    assert targets[1]["ra"] == 1.0


def test_a_time_of_another_zone_is_sent_in_utc() -> None:
    spec = make_spec(start="2026-01-01T06:00:00.9+02:00")

    (window,) = write(spec)["requests"][0]["windows"]

    assert window["start"] == "2026-01-01T04:00:00Z"


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_instrument_has_its_words_and_can_be_asked_for_by_each_element(card: Any) -> None:
    assert card.words.keys() == {instrument.name for instrument in card.instruments}
    for instrument in card.instruments:
        assert 0 < instrument.seconds_default <= instrument.seconds_max
        for element in instrument.elements:
            exposures = [{"element": element, "seconds": instrument.seconds_default}]
            spec = make_spec(exposures=exposures, end=NOW + timedelta(days=2))
            check_limits(spec, instrument, now=NOW, most_targets=10)
            assert write(spec, instrument, card)


# --- What an instrument can do ------------------------------------------------------------------
def faults(spec: ObservationSpec, instrument: Instrument = IMAGER) -> dict[str, list[str]]:
    with pytest.raises(InvalidSpecError) as raised:
        check_limits(spec, instrument, now=NOW, most_targets=2)
    return raised.value.errors


def test_every_field_at_fault_is_named_at_once_with_what_would_do() -> None:
    spec = make_spec(
        exposures=[{"element": "Q", "seconds": 1201}, {"element": "rp", "seconds": 1200}],
        further_targets=[{"name": "a", "ra": 0, "dec": 0}] * 2,
        mode="RAPID_RESPONSE",
    )

    assert faults(spec, SOAR.instruments[0]) == {
        "exposures.0.element": ["choose one of g-SDSS, r-SDSS, i-SDSS"],
        "exposures.0.seconds": ["at most 1200 s"],
        "exposures.1.element": ["choose one of g-SDSS, r-SDSS, i-SDSS"],
        "further_targets": ["at most 2 targets in one request"],
        "mode": ["choose one of NORMAL, TIME_CRITICAL"],
    }


def test_exposures_of_every_target_must_fit_into_what_is_left_of_the_window() -> None:
    half_an_hour = [{"element": "rp", "seconds": 900, "count": 2}]
    left = {"start": NOW - timedelta(days=1), "end": NOW + timedelta(minutes=50)}
    one = make_spec(exposures=half_an_hour, **left)
    two = make_spec(
        exposures=half_an_hour, further_targets=[{"name": "b", "ra": 0, "dec": 0}], **left
    )

    check_limits(one, IMAGER, now=NOW, most_targets=2)
    assert faults(two) == {
        "end": ["the exposures take 1.00 h, longer than what is left of the window"]
    }


@pytest.mark.parametrize(("more", "field"), [(timedelta(0), None), (timedelta(seconds=1), "end")])
def test_a_window_is_a_semester_at_most(more: timedelta, field: str | None) -> None:
    spec = make_spec(end=NOW + LONGEST_WINDOW + more)

    found = {} if field is None else faults(spec)

    assert list(found) == ([field] if field else [])
    check_limits(make_spec(end=NOW + LONGEST_WINDOW), IMAGER, now=NOW, most_targets=2)


def test_a_rapid_response_starts_now_and_ends_a_day_and_its_exposures_later() -> None:
    end = NOW + timedelta(days=1, seconds=240)

    check_limits(make_spec(mode="RAPID_RESPONSE", end=end), IMAGER, now=NOW, most_targets=2)
    late = faults(make_spec(mode="RAPID_RESPONSE", end=end + timedelta(seconds=1)))
    future = faults(make_spec(mode="RAPID_RESPONSE", start=NOW + timedelta(seconds=1)))

    assert "ends by 2026-01-02 05:04 UTC" in late["end"][0]
    assert list(future) == ["start"]


def test_however_much_is_asked_for_the_answer_is_in_words() -> None:
    # The exposures of 300 targets would end in a year that no date has.
    most = {
        "exposures": [{"element": "rp", "seconds": 86_400, "count": 500}] * 20,
        "mode": "RAPID_RESPONSE",
    }
    aims = [{"name": "a", "ra": 1, "dec": 1}] * 300

    assert "end" in faults(make_spec(further_targets=aims[:MOST_FURTHER_TARGETS], **most))
    with pytest.raises(InvalidSpecError) as raised:
        make_spec(further_targets=aims, **most)
    assert list(raised.value.errors) == ["further_targets"]


def test_an_instrument_is_found_by_its_name_or_said_to_be_missing() -> None:
    assert find_instrument(LCO.instruments, IMAGER.name) is IMAGER
    with pytest.raises(InvalidSpecError, match="there is no instrument 'X' here"):
        find_instrument(LCO.instruments, "X")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"exposures": [{"element": "rp", "seconds": 1}] * 21}, "exposures"),
        ({"end": NOW}, "end"),  # no longer than nothing
        ({"max_airmass": 3.1}, "max_airmass"),
        ({"min_moon_separation_deg": 181}, "min_moon_separation_deg"),
        ({"priority": 0.4}, "priority"),
        ({"further_targets": [{"name": "", "ra": 0, "dec": 0}]}, "further_targets.0.name"),
        ({"further_targets": [{"name": "a", "ra": 360, "dec": 0}]}, "further_targets.0.ra"),
        ({"further_targets": [{"name": "a", "ra": 0, "dec": 91}]}, "further_targets.0.dec"),
    ],
)
def test_a_field_beyond_its_range_is_named(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        make_spec(**fields)

    assert list(raised.value.errors) == [place]
    assert not raised.value.errors[place][0].startswith("Value error")


# --- What the portal answers --------------------------------------------------------------------
GROUP = {"id": 42, "name": "key|T1", "state": "PENDING"}


@pytest.mark.parametrize(
    ("state", "progress"),
    [
        ("PENDING", Progress.PENDING),
        ("COMPLETED", Progress.COMPLETED),
        ("WINDOW_EXPIRED", Progress.EXPIRED),
        ("CANCELED", Progress.CANCELED),
        ("FAILURE_LIMIT_REACHED", Progress.FAILED),
        ("A_NEW_WORD", Progress.PENDING),  # it goes on until we know better
    ],
)
def test_a_group_is_read_with_how_far_it_is(state: str, progress: Progress) -> None:
    remote = read_group(GROUP | {"state": state, "more": []}, hide=show)

    assert (remote.id, remote.key, remote.state, remote.progress) == (
        *("42", "key|T1"),
        *(state, progress),
    )


ODD = [None, True, 0, -1, 1.5, "", "0", "000", "a/b", "a b", "-1", "é", "x" * 65, [], "hunter2"]


@pytest.mark.parametrize("value", ODD)
def test_what_is_no_id_never_stands_in_an_address(value: object) -> None:
    with pytest.raises(UnknownOutcomeError, match="not understood") as raised:
        read_id(value, hide=show)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [(1, "1"), (10**60, "1" + "0" * 60), ("a-B_9", "a-B_9"), ("x" * 64, "x" * 64)],
)
def test_a_number_or_a_short_word_is_an_id(value: object, kept: str) -> None:
    assert read_id(value, hide=show) == kept


@pytest.mark.parametrize(
    "group",
    [
        *(None, [], "x", 7, {}),
        *(GROUP | {"name": name} for name in (None, 7, [])),
        *(GROUP | {"state": s} for s in (None, 7, "", " ", "x" * 65, "a\x00", "a\nb", "hunter2")),
    ],
    ids=str,
)
def test_an_odd_group_is_refused_and_quoted_nowhere(group: object) -> None:
    with pytest.raises(UnknownOutcomeError, match="not understood") as raised:
        read_group(group, hide=show)
    assert len(str(raised.value)) < 120


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GROUP, "x"]), inner),
        max_leaves=6,
    )
)
@settings(max_examples=40)
def test_whatever_a_group_is_it_is_read_or_not_understood(value: Any) -> None:
    for group in (value, GROUP | {"id": value}, GROUP | {"state": value}, GROUP | {"name": value}):
        try:
            remote = read_group(group, hide=show)
        except UnknownOutcomeError:
            continue
        assert 0 < len(remote.id) <= LONGEST_WORD
        assert 0 < len(remote.state) <= LONGEST_WORD


def answer_of(status: int, text: str = "{}", **headers: str) -> Answer:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, text, said, show)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_yes_is_a_yes_where_it_can_be_read(status: int) -> None:
    assert checked(answer_of(status)).json == {}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        *((200, "<html>"), (200, ""), (200, "["), (301, "{}"), (302, "{}"), (199, "{}")),
        *((408, "{}"), (425, "{}"), (500, "{}"), (503, "{}"), (599, "{}"), (200, "[" * 99_999)),
    ],
)
def test_what_is_neither_yes_nor_no_leaves_it_unknown(status: int, text: str) -> None:
    with pytest.raises(UnknownOutcomeError, match=f"status {status}"):
        checked(answer_of(status, text))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 499])
def test_a_no_is_told_with_its_reasons_and_without_a_secret(status: int) -> None:
    said = '{"requests": [{}, {"windows": ["too short", "hunter2"]}], "non_field_errors": ["x"]}'

    with pytest.raises(RejectedError) as raised:
        checked(answer_of(status, said))

    assert str(raised.value) == f"{status}: requests.1.windows: too short ***; x"


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        ({"detail": "Not found."}, "Not found."),
        ({"a": {"b": ["c", "d"]}}, "a.b: c d"),
        ({"a": {"detail": "x", "non_field_errors": ["y"]}}, "a: x; a: y"),
        ({"a": []}, ""),
        ({"a": None, "b": ""}, ""),
        (["x", "y"], "x y"),
        ([{"a": ["x"]}, {}], "0.a: x"),
        ("plain", "plain"),
        (7, "7"),
        (None, ""),
    ],
)
def test_nested_errors_are_one_line_each_with_its_place(errors: object, line: str) -> None:
    assert flatten(errors) == line


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *(("30", 30), ("0", 1), ("999999", LONGEST_RETRY_AFTER.total_seconds())),
        *(("9" * 400, None), ("²", None), ("-5", None), ("soon", None), ("", None)),
    ],
)
def test_a_portal_that_is_busy_is_asked_when_it_says_within_reason(
    said: str, seconds: float | None
) -> None:
    with pytest.raises(NothingSentError) as raised:
        checked(answer_of(429, Retry_After=said))

    wait = raised.value.retry_at and (raised.value.retry_at - datetime.now(UTC)).total_seconds()
    assert wait == (None if seconds is None else pytest.approx(seconds, abs=5))


def test_the_portal_s_own_time_counts_where_it_can_be() -> None:
    recent = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    header = f"{recent:%a, %d %b %Y %H:%M:%S GMT}"

    assert answered_at(answer_of(200, Date=header)) == recent
    for odd in ("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 -0000", "noon", ""):
        assert abs(answered_at(answer_of(200, Date=odd)) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://observe.example.org/x/", "observe.example.org"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("https://me:hunter2@example.org:1/", "example.org:1"),
    ],
)
def test_a_portal_s_address_tells_no_secret(url: str, address: str) -> None:
    access = PortalAccess(url, "hunter2", "P", is_real=False, poll_seconds=1)

    assert access.address == address
    assert "hunter2" not in repr(PortalAccess("u", "hunter2", "P", is_real=False, poll_seconds=1))


# --- What the portal lists ----------------------------------------------------------------------
def elements(*codes: str, **fields: Any) -> dict[str, Any]:
    return {"optical_elements": {"filters": [{"code": code} | fields for code in codes]}}


def test_a_listing_has_the_instruments_of_its_facility_alone() -> None:
    answer = {IMAGER.name: elements("rp"), "OTHER": elements("x"), SPECTROGRAPH.name: "odd"}

    assert read_listing(answer, LCO) == {IMAGER.name: ["rp"]}


@pytest.mark.parametrize("answer", [None, [], "x", 7])
def test_what_is_no_table_is_refused(answer: object) -> None:
    with pytest.raises(TypeError, match="table of instruments"):
        read_listing(answer, LCO)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (elements("w", "rp", "rp"), ["rp", "w"]),
        (elements("rp", schedulable=False), []),
        (elements(""), []),
        (elements("x" * 99), ["x" * 64]),
        ({"optical_elements": {"slits": [{"code": "rp"}]}}, []),
        ({"optical_elements": [1]}, []),
        ({"optical_elements": {"filters": {"code": "rp"}}}, []),
        ({"optical_elements": {"filters": ["rp", None, {"name": "rp"}]}}, []),
        ({}, []),
    ],
)
def test_an_instrument_s_elements_are_those_that_can_be_scheduled(
    said: dict[str, Any], found: list[str]
) -> None:
    assert read_listing({IMAGER.name: said}, LCO) == {IMAGER.name: found}


def test_elements_that_we_know_come_first_in_our_order_then_the_others() -> None:
    (imager,) = listed_instruments(LCO, {IMAGER.name: ["B", "ip", "rp", "w"]})

    assert imager.elements == ("rp", "ip", "B", "w")
    assert imager.seconds_max == IMAGER.seconds_max


def test_without_a_listing_or_its_elements_ours_stand() -> None:
    assert listed_instruments(LCO, {}) == LCO.instruments
    assert listed_instruments(LCO, {IMAGER.name: []}) == (IMAGER,)
