"""Look-ups at brokers, against a server that serves their recorded answers, and others."""

import ast
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests.factories import make_observer, make_target, make_user
from tests.lookups import api_server
from tom import intake
from tom.forms.declared import Wanted
from tom.forms.registry import look_ups
from tom.lookups.models import Answer, AnswerState, Lookup
from tom.lookups.services import ask_broker, due_answers, make_lookup, read_found, take
from tom.streams.models import AlertMessage
from tom.targets.classified import classifications_of
from tom.targets.models import LightCurvePoint
from tom.targets.tags import tags_of

pytestmark = pytest.mark.django_db

ALERCE, FINK = "api.alerce.online", "api.ztf.fink-portal.org"
CASSETTES = {
    "ALeRCE": ("alerce_get_alert.yaml", "ZTF18abcgqmz", 2),
    "ALeRCE of Rubin": ("alerce_lsst_get_alert.yaml", "170587116732416143", 3),
    "ANTARES": ("antares_get_alert.yaml", "ZTF26abeuijw", 1),
    "Fink": ("fink_get_alert.yaml", "ZTF19aaosfcb", 3),
}


@pytest.fixture(autouse=True)
def no_rate() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api(settings: Any) -> Iterator[api_server.Api]:
    with api_server.running() as running:
        settings.LOOKUP_RELAY = running.url
        settings.LOOKUP_SECONDS = 2.0
        settings.LASAIR_TOKEN = ""
        yield running


@pytest.fixture
def vera() -> User:
    return make_observer("vera")


def ask(user: User, broker: str, name: str = "ZTF18abcgqmz", **wanted: Any) -> Answer:
    question = Wanted(**wanted) if wanted else Wanted(name=name)
    answer = make_lookup(user, question, text=name).answers.get(broker=broker)
    ask_broker(answer.pk)
    answer.refresh_from_db()
    return answer


@pytest.mark.parametrize("kind", CASSETTES)
def test_a_recorded_answer_becomes_a_target_with_its_light_curve(
    kind: str, api: api_server.Api, vera: User, real_data: Path
) -> None:
    cassette, name, n_detections = CASSETTES[kind]
    api.play(real_data / "brokers" / "recorded" / cassette)

    answer = ask(vera, kind.partition(" ")[0], name)

    assert (answer.state, answer.reason) == (AnswerState.FOUND, "")
    (told,) = read_found(answer)
    assert told is not None
    assert told.alerts[0].object_id == name
    message = take(answer, 0)
    assert message is not None
    while intake.work_alerts():
        pass
    message.refresh_from_db()
    assert (message.state, message.reason) == ("stored", "")
    target = BaseTarget.objects.get()
    points = LightCurvePoint.objects.filter(target=target, kind="alert")
    assert points.count() == n_detections
    if kind == "ANTARES":
        assert LightCurvePoint.objects.filter(target=target, kind="limit").count() == 2
        assert {tag.tag for tag in tags_of(target, AnonymousUser())} == {
            "lc_feature_extractor",
            "refitt_newsources_snrcut",
        }


def test_a_recorded_detection_of_alerce_is_negative_where_it_says_so(
    api: api_server.Api, vera: User, real_data: Path
) -> None:
    api.play(real_data / "brokers" / "recorded" / "alerce_get_alert.yaml")

    (told,) = read_found(ask(vera, "ALeRCE"))

    assert told is not None
    newest = told.alerts[0].points[-1]
    assert newest.key == "593191350115010084"
    assert newest.flux_njy == pytest.approx(-(10 ** (0.4 * (31.4 - 18.30812))))


def test_modules_of_fink_s_recorded_rows_have_their_version(
    api: api_server.Api, vera: User, real_data: Path
) -> None:
    cassette = real_data / "brokers" / "recorded" / "fink_get_alert.yaml"
    api.play(cassette)
    answer = ask(vera, "Fink", "ZTF19aaosfcb")
    (told,) = read_found(answer)
    assert told is not None
    assert told.opinions == ()  # no module had run, and no catalogue knew it

    row = json.loads(json.dumps(answer.found[0]["fink_rows"][0])) | {"d:snn_sn_vs_all": 0.8}
    api.serve(
        "POST",
        f"{FINK}/api/v1/objects",
        [row],
        body=json.dumps({"objectId": "ZTF19other", "output-format": "json"}),
    )
    (told,) = read_found(ask(vera, "Fink", "ZTF19other"))

    assert told is not None
    (judgement,) = told.opinions[0].judgements
    assert (judgement.classifier, judgement.version) == ("snn_sn_vs_all", "8.4.0")


def test_a_cone_at_lasair_is_asked_with_the_token_and_then_the_nearest(
    api: api_server.Api, vera: User, real_data: Path, settings: Any
) -> None:
    settings.LASAIR_TOKEN = "geheim"
    api.play(real_data / "brokers" / "recorded" / "lasair_cone.yaml")
    recorded = next(iter(api.answers))
    body = "ra=280.0000000&dec=-5.0000000&radius=600&requestType=all"
    api.answers[api_server.call_of("POST", recorded[1], body)] = api.answers.pop(recorded)

    answer = ask(vera, "Lasair", ra=280.0, dec=-5.0, radius_arcsec=600.0)

    assert answer.state == AnswerState.NOTHING  # no answer on the objects was recorded
    names = [dict(ast.literal_eval(call[3]))["objectId"] for call in api.asked[1:]]
    assert names == ["ZTF19aaypuas", "ZTF19abiuxxz", "ZTF18abcjedv"]
    assert {headers["Authorization"] for headers in api.sent} == {"Token geheim"}


def test_an_object_of_lasair_has_its_candidates_and_annotations(
    api: api_server.Api, vera: User, settings: Any
) -> None:
    settings.LASAIR_TOKEN = "geheim"
    row = {
        "candid": 593191350115010084,
        "mjd": 58347.19135419978,
        "fid": 1,
        "magpsf": 18.3,
        "sigmapsf": 0.1,
        "isdiffpos": "f",
        "ra": 279.9,
        "decl": -4.87,
    }
    found = {
        "objectId": "ZTF18abcgqmz",
        "candidates": [row, {"mjd": 58340.2, "fid": 1, "diffmaglim": 20.0}],
        "sherlock": {"classification": "VS"},
    }
    api.serve(
        "POST",
        "lasair-ztf.lsst.ac.uk/api/object/",
        found,
        body="objectId=ZTF18abcgqmz&lasair_added=true",
    )

    (told,) = read_found(ask(vera, "Lasair"))

    assert told is not None
    curve = [(point.kind, point.flux_njy < 0) for point in told.alerts[0].points]
    assert curve == [("limit", False), ("alert", True)]
    assert told.opinions[0].judgements[0].classes == {"VS": "variable"}


RUBIN = "lasair-lsst/tests_system_sample_alerts_schema10.0.A_alert.json"


def rubin_packet(real_data: Path) -> dict[str, Any]:
    """A real packet of Rubin's schema 10.0."""
    packet: dict[str, Any] = json.loads((real_data / "brokers" / RUBIN).read_text())
    return packet


def test_an_object_of_rubin_at_fink_has_its_sources_forced_points_and_classes(
    api: api_server.Api, vera: User, real_data: Path
) -> None:
    packet = rubin_packet(real_data)
    number = str(packet["diaObject"]["diaObjectId"])
    sources = [packet["diaSource"], *packet["prvDiaSources"]]
    rows = [{f"r:{name}": value for name, value in source.items()} for source in sources]
    rows[0] |= {
        "f:clf_snnSnVsOthers_score": 0.7,
        "f:xm_tns_type": "SN Ia",
        "f:pred_is_sso": False,
        "f:fink_science_version": "8.39.0",
    }
    forced = {
        "r:diaForcedSourceId": 77,
        "r:midpointMjdTai": rows[0]["r:midpointMjdTai"],
        "r:band": "r",
        "r:psfFlux": -250.0,
        "r:psfFluxErr": 100.0,
    }
    body = json.dumps({"diaObjectId": number, "output-format": "json"})
    api.serve("POST", "api.lsst.fink-portal.org/api/v1/sources", rows, body=body)
    api.serve("POST", "api.lsst.fink-portal.org/api/v1/fp", [forced], body=body)

    (told,) = read_found(ask(vera, "Fink", number))

    assert told is not None
    (alert,) = told.alerts
    assert (alert.survey, alert.object_id) == ("LSST", number)
    kinds = [point.kind for point in alert.points]
    assert (kinds.count("alert"), kinds.count("forced")) == (len(sources), 1)
    assert {point.key for point in alert.points if point.kind == "alert"} == {
        str(source["diaSourceId"]) for source in sources
    }
    assert {each.classifier: each.probabilities for each in told.opinions[0].judgements} == {
        "snnSnVsOthers_score": {"SN": 0.7},
        "tns_type": {"SN Ia": 1.0},
    }


def serve_cone(api: api_server.Api, real_data: Path) -> str:
    """Serve one object of Rubin in a cone; return its number."""
    packet = rubin_packet(real_data)
    number = str(packet["diaObject"]["diaObjectId"])
    source = {f"r:{name}": value for name, value in packet["diaSource"].items()}
    host, cone = "api.lsst.fink-portal.org/api/v1", {"ra": 10.0, "dec": -5.0, "radius": 20.0}
    asked = {"diaObjectId": number, "output-format": "json"}
    rows = [{"r:diaObjectId": int(number), "v:separation": 1.0}]
    api.serve("POST", f"{host}/conesearch", rows, body=json.dumps(cone | {"output-format": "json"}))
    api.serve("POST", f"{host}/sources", [source], body=json.dumps(asked))
    api.serve("POST", f"{host}/fp", [], body=json.dumps(asked))
    return number


@pytest.mark.parametrize("of_ztf", [None, 500])
def test_a_cone_at_fink_has_rubin_s_objects_though_ztf_s_service_is_away(
    of_ztf: int | None, api: api_server.Api, vera: User, real_data: Path
) -> None:
    number = serve_cone(api, real_data)
    api.moods[FINK] = of_ztf

    answer = ask(vera, "Fink", ra=10.0, dec=-5.0, radius_arcsec=20.0)

    assert (answer.state, answer.reason) == (AnswerState.FOUND, "")
    (told,) = read_found(answer)
    assert told is not None
    assert told.alerts[0].object_id == number


def test_a_cone_at_fink_fails_where_neither_service_has_anything_and_one_is_away(
    api: api_server.Api, vera: User
) -> None:
    api.moods[FINK] = 500

    answer = ask(vera, "Fink", ra=10.0, dec=-5.0, radius_arcsec=20.0)

    assert (answer.state, answer.reason) == (AnswerState.FAILED, "it answers with the error 500")


@pytest.mark.parametrize("sources", ["diaSourcesList", "diaSources"])
def test_an_object_of_rubin_at_lasair_is_asked_with_the_token_of_rubin_s_api(
    api: api_server.Api, vera: User, settings: Any, real_data: Path, sources: str
) -> None:
    settings.LASAIR_TOKEN = "geheim"
    settings.LASAIR_LSST_TOKEN = ""
    packet = rubin_packet(real_data)
    number = str(packet["diaObject"]["diaObjectId"])
    place = {"ra": packet["diaObject"]["ra"], "decl": packet["diaObject"]["dec"]}
    found = {
        "diaObjectId": int(number),
        "diaObject": place,
        sources: [packet["diaSource"], *packet["prvDiaSources"]],
        "diaForcedSourcesList": [],
        "lasairData": {
            "sherlock": {"classification": "SN"},
            "TNS": {},
            "annotations": [{"topic": "r0b", "version": "1", "classification": "extragalactic"}],
        },
    }
    api.serve(
        "POST",
        "api.lasair.lsst.ac.uk/api/object/",
        found,
        body=f"objectId={number}&lasair_added=true",
    )

    without = ask(vera, "Lasair", number)
    settings.LASAIR_LSST_TOKEN = "rubin"
    answer = ask(vera, "Lasair", number)

    assert without.reason == "not asked: set LASAIR_LSST_TOKEN"
    assert [headers["Authorization"] for headers in api.sent] == ["Token rubin"]
    (told,) = read_found(answer)
    assert told is not None
    assert (told.alerts[0].survey, told.alerts[0].object_id) == ("LSST", number)
    assert len(told.alerts[0].points) == 1 + len(packet["prvDiaSources"])
    assert {each.classifier for each in told.opinions[0].judgements} == {"Sherlock", "r0b"}


@pytest.mark.parametrize("is_list", [True, False], ids=["a list", "a dictionary"])
@pytest.mark.parametrize("ztf_token", ["", "geheim"])
def test_a_cone_at_lasair_has_the_nearest_of_both_surveys_whose_token_is_set(
    api: api_server.Api,
    vera: User,
    settings: Any,
    real_data: Path,
    ztf_token: str,
    is_list: bool,
) -> None:
    settings.LASAIR_TOKEN, settings.LASAIR_LSST_TOKEN = ztf_token, "rubin"
    packet = rubin_packet(real_data)
    number = packet["diaObject"]["diaObjectId"]
    place = {"ra": packet["diaObject"]["ra"], "decl": packet["diaObject"]["dec"]}
    found = {"diaObjectId": number, "diaObject": place, "diaSourcesList": [packet["diaSource"]]}
    cone = f"ra={place['ra']:.7f}&dec={place['decl']:.7f}&radius=5&requestType=all"
    near: Any = [{"object": number, "separation": 0.1}]
    rubin, ztf = "api.lasair.lsst.ac.uk/api", "lasair-ztf.lsst.ac.uk/api"
    api.serve("POST", f"{rubin}/cone/", near if is_list else {"objects": near}, body=cone)
    body = f"objectId={number}&lasair_added=true"
    api.serve("POST", f"{rubin}/object/", found, body=body)
    api.serve("POST", f"{ztf}/cone/", [{"object": "ZTF26a", "separation": 3.0}], body=cone)
    api.serve("POST", f"{ztf}/object/", {}, body="objectId=ZTF26a&lasair_added=true")

    answer = ask(vera, "Lasair", ra=place["ra"], dec=place["decl"], radius_arcsec=5.0)

    (told,) = read_found(answer)
    assert told is not None
    assert (told.alerts[0].survey, told.alerts[0].object_id) == ("LSST", str(number))
    asked = [
        (call[1], sent["Authorization"]) for call, sent in zip(api.asked, api.sent, strict=True)
    ]
    of_rubin = [(f"{rubin}/{what}/", "Token rubin") for what in ("cone", "object")]
    of_ztf = [(f"{ztf}/{what}/", "Token geheim") for what in ("cone", "object")]
    expected = [of_ztf[0], *of_rubin, of_ztf[1]] if ztf_token else of_rubin
    assert asked == expected


def test_a_place_at_lasair_wants_one_of_its_tokens(api: api_server.Api, vera: User) -> None:
    answer = ask(vera, "Lasair", ra=10.0, dec=5.0, radius_arcsec=5.0)

    assert answer.reason == "not asked: set LASAIR_TOKEN or LASAIR_LSST_TOKEN"
    assert api.asked == []


MOODS: dict[str, tuple[Any, str]] = {
    "an error": (500, "it answers with the error 500"),
    "a redirect": (302, "it answers with the error 302"),
    "a refusal": (403, "it refuses the credential, or wants one"),
    "garbage": (b"\x00<html>", "its answer is no JSON"),
    "deep garbage": (b"[" * 200_000, "its answer is no JSON"),
    "too much": (b" " * (8 * 2**20 + 1), "its answer is larger than 8 MB"),
    "nothing in time": (9.0, "no answer within 0.4 s"),
    "a byte now and then": (api_server.TRICKLE, "no answer within 0.4 s"),
    "asked too often": (
        {"Retry-After": "17"},
        "asked too often: it wants to be left alone for 17 s",
    ),
}


@pytest.mark.parametrize("mood", MOODS)
def test_a_broker_that_fails_says_why(
    mood: str, api: api_server.Api, vera: User, settings: Any
) -> None:
    settings.LOOKUP_SECONDS = 0.4 if "0.4 s" in MOODS[mood][1] else 5.0
    api.moods[ALERCE], reason = MOODS[mood]
    start = time.monotonic()

    answer = ask(vera, "ALeRCE")

    assert (answer.state, answer.reason) == (AnswerState.FAILED, reason)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("broker", look_ups())
@pytest.mark.parametrize(
    "garbage", [b"[]", b"{}", b"null", b"7", b'"x"', b"[null]", b'[{"a": []}]', b'{"data": [1]}']
)
def test_any_json_is_no_crash(
    broker: str, garbage: bytes, api: api_server.Api, vera: User, settings: Any
) -> None:
    settings.LASAIR_TOKEN = "geheim"
    for host in (ALERCE, FINK, "api.antares.noirlab.edu", "lasair-ztf.lsst.ac.uk"):
        api.moods[host] = garbage

    by_name = ask(vera, broker)
    by_place = ask(vera, broker, ra=1.0, dec=2.0, radius_arcsec=5.0)

    for answer in (by_name, by_place):
        assert answer.state in (AnswerState.NOTHING, AnswerState.FAILED, AnswerState.FOUND)
        assert all(told is None for told in read_found(answer))


ODD = (
    b'{"oid": "ZTF18abcgqmz", "a\\u0000": "\\u0000", "b": "\\ud800", "c": [NaN, -Infinity, 1e999]}'
)


@pytest.mark.parametrize("answered", [ODD, b'{"oid": 1, "a": ' + b"[" * 900 + b"]" * 900 + b"}"])
def test_what_no_database_stores_of_an_answer_leaves_nobody_waiting(
    answered: bytes, api: api_server.Api, vera: User
) -> None:
    api.moods[ALERCE] = answered

    answer = ask(vera, "ALeRCE")

    assert not answer.is_under_way
    if answered is ODD:
        assert answer.found[0]["object"]["c"] == [None, None, None]
        assert answer.found[0]["object"]["a"] == ""


def test_a_broker_that_wants_to_rest_is_not_called_and_no_other_is_held_up(
    api: api_server.Api, vera: User, real_data: Path
) -> None:
    api.play(real_data / "brokers" / "recorded" / "fink_get_alert.yaml")
    api.moods[ALERCE] = {"x-rate-limit-reset": "40"}
    ask(vera, "ALeRCE")
    n_asked = len(api.asked)

    again = ask(vera, "ALeRCE", "ZTF18other")

    assert "left alone for" in again.reason
    assert len(api.asked) == n_asked
    assert ask(vera, "Fink", "ZTF19aaosfcb").state == AnswerState.FOUND


def test_a_broker_is_asked_so_often_a_minute_at_most(
    api: api_server.Api, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = [ask(vera, "Fink", f"ZTF19aaaaa{n}").reason for n in range(32)]

    assert reasons[:30] == [""] * 30
    assert reasons[31] == "we ask it 30 times a minute at most: try again in a minute"
    assert len(api.asked) <= 31


def test_the_same_question_is_not_asked_again_so_soon(
    api: api_server.Api, vera: User, real_data: Path
) -> None:
    api.play(real_data / "brokers" / "recorded" / "fink_get_alert.yaml")
    first = ask(vera, "Fink", "ZTF19aaosfcb")
    n_asked = len(api.asked)

    second = ask(make_observer("otto"), "Fink", "ZTF19aaosfcb")

    assert second.found == first.found
    assert len(api.asked) == n_asked


def test_without_a_token_lasair_is_not_asked(api: api_server.Api, vera: User) -> None:
    answer = ask(vera, "Lasair")

    assert answer.reason == "not asked: set LASAIR_TOKEN"
    assert answer.label == "Not asked"
    assert api.asked == []


def test_an_answer_is_asked_for_once_and_one_left_behind_is_found_by_the_sweep(
    api: api_server.Api, vera: User
) -> None:
    lookup = make_lookup(vera, Wanted(name="ZTF18abcgqmz"), text="ZTF18abcgqmz")
    assert sorted(due_answers()) == sorted(lookup.answers.values_list("pk", flat=True))
    answer = lookup.answers.get(broker="Fink")

    ask_broker(answer.pk)
    ask_broker(answer.pk)

    assert len(api.asked) == 1
    assert answer.pk not in due_answers()


# --- The pages ----------------------------------------------------------------------------------
def test_the_search_page_offers_to_ask_and_one_click_makes_a_target(
    api: api_server.Api, vera: User, real_data: Path, client: Client
) -> None:
    api.play(real_data / "brokers" / "recorded" / "alerce_get_alert.yaml")
    client.force_login(vera)
    assert "Ask the brokers" in client.get("/search/?q=ZTF18abcgqmz").content.decode()

    page = client.post("/lookups/", {"q": "ZTF18abcgqmz"}).headers["Location"]
    assert 'hx-trigger="every 1s"' in client.get(page).content.decode()
    for pk in due_answers():
        ask_broker(pk)
    html = client.get(f"{page}?part=answers").content.decode()
    assert "2 detections" in html
    assert "Make it a target" in html
    assert "not asked: set LASAIR_TOKEN" in html
    assert '<span class="quiet">Not asked</span>' in html
    assert "Failed" not in html
    assert "every 1s" not in html

    answer = Answer.objects.get(broker="ALeRCE")
    client.post(f"/lookups/answers/{answer.pk}/take/", {"number": "0"})
    assert "being stored" in client.get(page).content.decode()
    while intake.work_alerts():
        pass

    target = BaseTarget.objects.get()
    html = client.get(page).content.decode()
    assert f"/targets/{target.pk}/" in html
    assert "Make it a target" not in html
    assert AlertMessage.objects.get().topic == "lookup.alerce"
    assert classifications_of(target, AnonymousUser()).count() == 0


def test_brokers_are_asked_for_a_target_that_is_here(vera: User, client: Client) -> None:
    target = make_target("ZTF18abcgqmz")
    client.force_login(vera)

    page = client.get("/search/?q=ZTF18abcgqmz", follow=True)

    assert page.redirect_chain == [(f"/targets/{target.pk}/", 302)]
    [form] = re.findall(r'<form method="post" action="/lookups/">.*?</form>', page.text, re.DOTALL)
    assert 'name="q" value="ZTF18abcgqmz"' in form
    client.force_login(make_user())
    assert 'action="/lookups/"' not in client.get(f"/targets/{target.pk}/").text


def test_a_look_up_is_its_own_person_s(api: api_server.Api, vera: User, client: Client) -> None:
    lookup = make_lookup(vera, Wanted(name="x"), text="x")
    client.force_login(make_observer("otto"))

    assert client.get(f"/lookups/{lookup.pk}/").status_code == 404
    pk = lookup.answers.first().pk  # type: ignore[union-attr]
    assert client.post(f"/lookups/answers/{pk}/take/", {"number": "0"}).status_code == 404
    client.force_login(make_user())
    assert client.post("/lookups/", {"q": "x"}).status_code == 403


@pytest.mark.parametrize("number", ["", "1", "-1", "\u0663", "9" * 5000])
def test_an_object_that_no_answer_has_is_not_taken(
    number: str, api: api_server.Api, vera: User, client: Client
) -> None:
    answer = make_lookup(vera, Wanted(name="x"), text="x").answers.first()
    client.force_login(vera)

    page = client.post(
        f"/lookups/answers/{answer.pk}/take/",  # type: ignore[union-attr]
        {"number": number},
        follow=True,
    )

    assert "There is no such object in this answer." in page.content.decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" ", "Write a name or a place."),
        ("Z" * 101, "A name has 100 characters at most."),
        ("197.45 -93", "No position"),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_stays_to_be_corrected(
    text: str, why: str, vera: User, client: Client
) -> None:
    client.force_login(vera)

    page = client.post("/lookups/", {"q": text}, follow=True)

    assert why in page.content.decode()
    assert page.context["sought"].name == text.strip()
    assert not Lookup.objects.exists()
