"""Objects of TNS: names, types, redshifts and discoveries, of its API and its daily CSV.

No answer of TNS was recorded: these have the form of its API's manual and of its CSV's header.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.management import CommandError, call_command
from tom_targets.base_models import BaseTarget

from tests.factories import make_observer
from tests.lookups import api_server
from tests.streams.packets import make_ztf_packet
from tom import intake
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.declared import Wanted
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.lookups.models import Answer, AnswerState
from tom.lookups.services import ask_broker, make_lookup
from tom.streams.models import AlertMessage
from tom.streams.services import store_message
from tom.surveys.tns import read_object
from tom.targets.classified import classifications_of, find_classified
from tom.targets.models import SurveyObject
from tom.targets.redshifts import keep_redshift, redshifts_of
from tom.targets.search import find_exactly
from tom.targets.tags import tags_of

ANSWER: dict[str, Any] = {
    "objname": "2026abc",
    "name_prefix": "SN",
    "objid": 171234,
    "object_type": {"id": 3, "name": "SN Ia"},
    "redshift": 0.05,
    "radeg": 150.1,
    "decdeg": 2.2001,
    "discoverydate": "2026-01-01 06:00:00.000",
    "discoverymag": 19.1,
    "reporting_group": {"groupid": 48, "group_name": "ZTF"},
    "internal_names": "ZTF26aaaaaaa, ATLAS26xyz",
}
HEADER = (
    *("objid", "name_prefix", "name", "ra", "declination", "redshift", "typeid", "type"),
    *("reporting_group", "discoverydate", "discoverymag", "internal_names", "lastmodified"),
)
ROW = (
    *("171234", "SN", "2026abc", "150.1", "2.2001", "0.05", "3", "SN Ia", "ZTF"),
    *("2026-01-01 06:00:00", "19.1", "ZTF26aaaaaaa", "2026-01-05 00:00:00"),
)


def send(*answers: dict[str, Any], topic: str = "lookup.tns") -> None:
    for answer in answers:
        store_message(topic, json.dumps(answer).encode())
    work()


def work() -> None:
    while intake.work_alerts():
        pass
    assert not AlertMessage.objects.exclude(state="stored").exists()


def send_ztf(**values: Any) -> BaseTarget:
    store_message("ztf_1_programid1", make_ztf_packet(**values))
    work()
    return SurveyObject.objects.get(survey="ZTF").target


def test_an_answer_of_the_api_and_a_row_of_the_table_say_the_same() -> None:
    of_api = read_object(json.dumps(ANSWER).encode())
    of_row = read_object(json.dumps(dict(zip(HEADER, ROW, strict=True))).encode())

    for told in (of_api, of_row):
        (alert,), (said,) = told.alerts, told.opinions
        assert (alert.survey, alert.object_id, alert.ra, alert.dec) == (
            "TNS",
            "2026abc",
            150.1,
            2.2001,
        )
        assert "ZTF26aaaaaaa" in alert.other_names
        assert said.judgements[0].classes == {"SN Ia": "supernova Ia"}
        assert said.redshift == 0.05
        assert said.tags == ("discovered 2026-01-01 at 19.1 by ZTF",)
    assert of_row.opinions[0].time is not None
    assert of_row.opinions[0].time.day == 5


@pytest.mark.parametrize("names", [("ra", "dec"), ("ra", "declination"), ("radeg", "decdeg")])
def test_a_place_in_hours_and_degrees_alone_is_read(names: tuple[str, str]) -> None:
    written = dict(zip(names, ("10:00:24.000", "-00:12:00.36"), strict=True))
    answer = {name: value for name, value in ANSWER.items() if name not in ("radeg", "decdeg")}
    payload = json.dumps(answer | written).encode()

    (alert,) = read_object(payload).alerts

    assert identify(FILE_TOPIC, payload) == "tns.object"
    assert (alert.ra, alert.dec) == pytest.approx((150.1, -0.2001))


@pytest.mark.parametrize("place", [("25:00:00", "1:00:00"), ("10:61:00", "1:00:00"), ("10h", "1")])
def test_a_place_that_is_none_is_malformed(place: tuple[str, str]) -> None:
    answer = ANSWER | {"radeg": None, "ra": place[0], "decdeg": None, "dec": place[1]}

    with pytest.raises(MalformedAlertError, match="no usable place"):
        read_object(json.dumps(answer).encode())


def test_a_fast_radio_burst_of_a_person_without_a_group_is_read() -> None:
    burst = {"objname": "20260101A", "name_prefix": "FRB", "reporting_group": "None"}

    told = read_object(json.dumps(ANSWER | burst | {"reporters": "J. Doe"}).encode())

    assert told.alerts[0].object_id == "20260101A"
    assert "FRB 20260101A" in told.alerts[0].other_names
    assert told.opinions[0].tags == ("discovered 2026-01-01 at 19.1 by J. Doe",)


@pytest.mark.parametrize(
    ("written", "name"),
    [("AT2026ABF", "2026abf"), ("SN 1987A", "1987A"), ("FRB 20260101A", "20260101A")],
)
def test_a_name_is_one_however_it_is_written(written: str, name: str) -> None:
    assert (
        read_object(json.dumps(ANSWER | {"objname": written}).encode()).alerts[0].object_id == name
    )


@pytest.mark.parametrize(
    "values",
    [
        {"objname": None},
        {"objname": "x"},
        {"radeg": None},
        {"discoverydate": "never"},
        {"decdeg": 99},
    ],
)
def test_what_lacks_a_name_a_place_or_a_date_is_malformed(values: dict[str, Any]) -> None:
    with pytest.raises(MalformedAlertError, match="usable"):
        read_object(json.dumps(ANSWER | values).encode())


def test_an_object_in_a_file_is_known_by_its_content() -> None:
    assert identify(FILE_TOPIC, json.dumps(ANSWER).encode()) == "tns.object"


OTHER = ANSWER | {"objname": "2026abd"}


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (ANSWER, ["2026abc"]),
        ({"reply": ANSWER}, ["2026abc"]),
        ({"reply": [ANSWER, OTHER]}, ["2026abc", "2026abd"]),
    ],
)
def test_a_whole_answer_of_the_api_is_known_in_a_file(
    data: dict[str, Any], names: list[str]
) -> None:
    payload = json.dumps({"id_code": 200, "id_message": "OK", "data": data}).encode()
    alone = read_object(json.dumps(ANSWER).encode())

    assert identify(FILE_TOPIC, payload) == "tns.object"
    told = read_object(payload)
    assert (told.alerts[:1], told.opinions[:1]) == (alone.alerts, alone.opinions)
    assert [each.object_id for each in told.alerts] == names
    assert [each.object_id for each in told.opinions] == names


@pytest.mark.parametrize("reply", [[], None, [{"objid": 1}]])
def test_an_answer_that_found_nothing_says_so(reply: object) -> None:
    payload = json.dumps({"id_code": 200, "data": {"reply": reply}}).encode()

    with pytest.raises(UnhandledAlertError, match="an answer without an object"):
        read_object(payload)


@pytest.mark.django_db
@pytest.mark.parametrize("order", ["tns first", "tns last"])
def test_the_object_is_the_target_at_its_place(order: str) -> None:
    if order == "tns first":
        send(ANSWER | {"internal_names": ""})
    target = send_ztf()
    if order == "tns last":
        send(ANSWER | {"internal_names": ""})

    assert BaseTarget.objects.count() == 1
    assert find_exactly(BaseTarget.objects.all(), ["2026abc"]).get().pk == target.pk
    assert [row.author for row in classifications_of(target, AnonymousUser())] == ["TNS"]
    assert find_classified((), label="supernova", author="TNS").exists()
    assert redshifts_of([target.pk]) == {target.pk: 0.05}
    assert {tag.tag for tag in tags_of(target, AnonymousUser())} == {
        "discovered 2026-01-01 at 19.1 by ZTF"
    }


@pytest.mark.django_db
def test_the_object_is_the_target_whose_name_it_gives_where_its_place_is_a_little_off() -> None:
    target = send_ztf()

    send(ANSWER | {"decdeg": 2.2 + 8 / 3600})

    assert SurveyObject.objects.get(survey="TNS").target_id == target.pk


@pytest.mark.django_db
def test_a_name_far_away_or_none_makes_a_target_of_its_own() -> None:
    target = send_ztf()

    send(
        ANSWER | {"decdeg": 3.2},
        ANSWER | {"objname": "2026abd", "decdeg": 2.2 + 8 / 3600, "internal_names": ""},
    )

    assert {row.target_id == target.pk for row in SurveyObject.objects.filter(survey="TNS")} == {
        False
    }
    assert BaseTarget.objects.count() == 3


@pytest.mark.django_db
def test_a_redshift_that_a_person_gave_stays() -> None:
    target = send_ztf()
    keep_redshift(target.pk, 0.1)

    send(ANSWER)

    assert redshifts_of([target.pk]) == {target.pk: 0.1}


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_corrected_redshift_takes_the_place_of_the_one_before(order: tuple[int, ...]) -> None:
    target = send_ztf()
    values = ({"redshift": z, "lastmodified": f"2026-01-0{day} 00:00:00"}
              for day, z in ((2, 0.05), (3, 0.5), (4, 0.012)))  # fmt: skip
    told = [ANSWER | each for each in values]

    send(*(told[n] for n in order))

    assert redshifts_of([target.pk]) == {target.pk: 0.012}


@pytest.mark.django_db
@pytest.mark.parametrize("given", [0.1, 0.05, None])
def test_a_correction_leaves_what_a_person_gave_since(given: float | None) -> None:
    target = send_ztf()
    send(ANSWER | {"lastmodified": "2026-01-02 00:00:00"})
    keep_redshift(target.pk, given or 0.1)

    send(ANSWER | {"redshift": 0.012, "lastmodified": "2026-01-03 00:00:00"})

    assert redshifts_of([target.pk]) == {target.pk: given or 0.1}


def test_the_names_by_surveys_may_be_a_list() -> None:
    told = read_object(
        json.dumps(ANSWER | {"internal_names": ["ZTF26a", " LSST-1 ", 7, ""]}).encode()
    )

    assert {"ZTF26a", "LSST-1"} <= set(told.alerts[0].other_names)
    assert not {"", "7"} & set(told.alerts[0].other_names)


# --- Asked for ----------------------------------------------------------------------------------
@pytest.fixture
def api(settings: Any) -> Iterator[api_server.Api]:
    cache.clear()
    with api_server.running() as running:
        settings.LOOKUP_RELAY = running.url
        settings.LOOKUP_SECONDS = 2.0
        settings.TNS_API_KEY, settings.TNS_BOT_ID, settings.TNS_BOT_NAME = "geheim", "7", "bot"
        yield running
    cache.clear()


def form(**data: Any) -> str:
    from urllib.parse import urlencode

    return urlencode({"api_key": "geheim", "data": json.dumps(data)})


def ask(**wanted: Any) -> Answer:
    lookup = make_lookup(make_observer("vera"), Wanted(**wanted), text="x")
    answer = lookup.answers.get(broker="TNS")
    ask_broker(answer.pk)
    answer.refresh_from_db()
    return answer


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrap", [lambda found: {"data": found}, lambda found: {"data": {"reply": found}}]
)
def test_a_survey_s_name_is_searched_and_its_object_asked_for(
    wrap: Any, api: api_server.Api
) -> None:
    search, item = "www.wis-tns.org/api/get/search", "www.wis-tns.org/api/get/object"
    api.serve(
        "POST",
        search,
        wrap([{"objname": "2026abc", "prefix": "SN"}]),
        body=form(internal_name="ZTF26aaaaaaa"),
    )
    api.serve("POST", item, wrap(ANSWER), body=form(objname="2026abc"))

    answer = ask(name="ZTF26aaaaaaa")

    assert (answer.state, answer.reason) == (AnswerState.FOUND, "")
    assert answer.found == [ANSWER]
    assert api.sent[0]["User-Agent"] == 'tns_marker{"tns_id": "7", "type": "bot", "name": "bot"}'
    assert ask_count(api) == 2


def ask_count(api: api_server.Api) -> int:
    return len(api.asked)


@pytest.mark.django_db
def test_without_a_credential_tns_is_not_asked_and_with_one_it_is_not_told(
    api: api_server.Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.moods["www.wis-tns.org"] = {"x-rate-limit-reset": "30"}
    refused = ask(name="AT2026abc")
    assert refused.reason == "asked too often: it wants to be left alone for 30 s"
    assert "geheim" not in caplog.text + refused.reason

    settings.TNS_API_KEY = ""
    lookup = make_lookup(make_observer("otto"), Wanted(name="AT2026abd"), text="x")
    answer = lookup.answers.get(broker="TNS")
    ask_broker(answer.pk)
    answer.refresh_from_db()
    assert answer.reason == "not asked: set TNS_API_KEY"


# --- The daily table ----------------------------------------------------------------------------
def make_table(*rows: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["2026-01-05 00:00:00 - 2026-01-05 23:59:59"])
    writer.writerows([HEADER, *rows])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tns_public_objects_20260105.csv", text.getvalue())
    return packed.getvalue()


@pytest.mark.django_db
def test_the_rows_of_a_day_s_table_are_kept_once(
    api: api_server.Api, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = (*ROW[:2], "2026abd", "10.0", *ROW[4:11], "", ROW[12])
    url = "www.wis-tns.org/system/files/tns_public_objects/tns_public_objects_20260105.csv.zip"
    call = api_server.call_of("POST", url, "api_key=geheim")
    api.answers[call] = (200, make_table(ROW, other))

    call_command("daily_table", "TNS", date=date(2026, 1, 5))
    assert "TNS: 2 rows, 2 of them new" in capsys.readouterr().out
    path = tmp_path / "again.csv.zip"
    path.write_bytes(make_table(ROW, other))
    call_command("daily_table", "TNS", str(path))
    assert "TNS: 2 rows, 0 of them new" in capsys.readouterr().out

    work()
    assert set(SurveyObject.objects.values_list("object_id", flat=True)) == {"2026abc", "2026abd"}
    with pytest.raises(CommandError, match="no table of 2026-01-06"):
        call_command("daily_table", "TNS", date=date(2026, 1, 6))


NO_TABLES = {
    "a line of text": b"my-host\n",
    "another table": b"not,a\n1,2\n",
    "a table without a column": b"objid,name_prefix,name,ra,declination\n1,SN,2026abc,1,2\n",
    "an empty file": b"",
    "an archive of nothing": b"PK\x05\x06" + bytes(18),
    "no text": b"\xff\xfe\x00a,b",
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_refused_and_nothing_of_it_is_kept(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table"
    path.write_bytes(NO_TABLES[kind])

    with pytest.raises(CommandError, match="this is no table of TNS: ") as refusal:
        call_command("daily_table", "TNS", str(path))

    assert "\n" not in str(refusal.value)
    assert not AlertMessage.objects.exists()


@pytest.mark.django_db
def test_the_columns_that_a_table_lacks_are_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(NO_TABLES["a table without a column"])

    with pytest.raises(CommandError, match=r"it has no column discoverydate$"):
        call_command("daily_table", "TNS", str(path))


@pytest.mark.django_db
def test_the_table_of_a_day_without_an_object_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.csv.zip"
    path.write_bytes(make_table())

    call_command("daily_table", "TNS", str(path))

    assert "TNS: 0 rows" in capsys.readouterr().out
