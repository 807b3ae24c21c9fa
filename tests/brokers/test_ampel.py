"""AMPEL's reports: what they say, and where it stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from astropy.time import Time
from django.contrib.auth.models import AnonymousUser
from tom_targets.base_models import BaseTarget

from tests.factories import make_target
from tests.streams.packets import make_container
from tom import intake
from tom.brokers.ampel import read_report, read_told
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.records.alert import PointKind
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.targets.classified import Classification, classifications_of
from tom.targets.models import LightCurvePoint

TOPIC = "ampel.lsst.reports"
JD = 2_461_041.75 + 37 / 86_400  # TAI; 2026-01-01 06:00 UTC
NUMBER = 170_472_689_154_654_242  # past 2**53


def _record(record: str, /, **fields: Any) -> dict[str, Any]:
    columns = [{"name": key, "type": type_} for key, type_ in fields.items()]
    return {"type": "record", "name": f"ampel.made.{record}", "fields": columns}


MODEL = _record("Model", model="string", probabilities={"type": "map", "values": "double"})
SCHEMA = _record(
    "Report",
    object=_record("Object", id="long", ra="double", dec="double", source="string"),
    photometry={"type": "array", "items": _record("Point", id="long", time="double")},
    classification={
        "type": "array",
        "items": _record(
            "Class", name="string", version="string", models={"type": "array", "items": MODEL}
        ),
    },
)
CHANCES = {"P(SNIa)": 0.7, "P(KN)": 0.2, "P(odd)": 0.05}


def make_report(
    *chances: dict[str, float], times: tuple[float, ...] = (JD,), **about: Any
) -> bytes:
    models = [
        {"model": f"m{i}", "probabilities": each} for i, each in enumerate(chances or (CHANCES,))
    ]
    report = {
        "object": {"id": NUMBER, "ra": 197.45, "dec": -23.38, "source": "LSST"} | about,
        "photometry": [{"id": i, "time": time} for i, time in enumerate(times)],
        "classification": [{"name": "Made", "version": "2", "models": models}],
    }
    return make_container(SCHEMA, [report])


def test_a_report_is_known_by_its_topic_and_in_a_file_by_its_content() -> None:
    assert identify(TOPIC, b"damaged") == "ampel.report"
    assert identify(FILE_TOPIC, make_report()) == "ampel.report"
    assert identify("someone.topic", make_report()) == "unknown"


def test_a_report_says_what_each_model_thinks() -> None:
    said = read_report(make_report(CHANCES, {"P(TDE)": 1.0}, times=(JD, JD - 1)))

    assert (said.author, said.survey, said.object_id) == ("AMPEL", "LSST", str(NUMBER))
    assert said.time == datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
    assert (said.ra, said.dec) == (197.45, -23.38)
    first, second = said.judgements
    assert (first.classifier, first.version) == ("Made m0", "2")
    assert first.probabilities == {"SNIa": 0.7, "KN": 0.2, "odd": 0.05}
    assert first.classes == {"SNIa": "supernova Ia", "KN": "kilonova"}
    assert second.classes == {"TDE": "tde"}


def test_what_is_no_probability_is_left_out_and_named() -> None:
    said = read_report(make_report({"P(SNIa)": 1.5, "P(KN)": float("nan"), "P(TDE)": 0.5}))

    assert said.judgements[0].probabilities == {"TDE": 0.5}
    assert said.left_out == ("P(SNIa) (no probability)", "P(KN) (no probability)")


def test_a_report_without_a_class_is_kept_and_one_without_an_object_is_dead() -> None:
    with pytest.raises(UnhandledAlertError, match="nothing of a class"):
        read_report(make_report({}))
    with pytest.raises(MalformedAlertError, match="source"):
        read_report(make_report(source=""))


def optional(type_: Any) -> list[Any]:
    return ["null", type_]


# As a report might come that keeps the form's names alone.
LOOSE = _record(
    "Loose",
    object=optional(
        _record("About", id=optional("long"), ra=optional("double"), dec=optional("double"),
                source=optional("string"))
    ),
    photometry=optional(
        {"type": "array", "items": ["null", _record("At", time=optional("double"))]}
    ),
    classification=optional(
        {
            "type": "array",
            "items": _record(
                "Said",
                name=optional("string"),
                version=optional("string"),
                models=optional(
                    {
                        "type": "array",
                        "items": _record(
                            "Of",
                            model=optional("string"),
                            probabilities=optional({"type": "map", "values": ["null", "double"]}),
                        ),
                    }
                ),
            ),
        }
    ),
)  # fmt: skip
ABOUT = {"id": NUMBER, "ra": 197.45, "dec": -23.38, "source": "LSST"}
SAID = {"name": "Made", "version": "2", "models": [{"model": "m", "probabilities": CHANCES}]}


def make_loose(**values: Any) -> bytes:
    report = {"object": ABOUT, "photometry": [{"time": JD}], "classification": [SAID]}
    return make_container(LOOSE, [report | values])


@pytest.mark.parametrize(
    "about",
    [None, ABOUT | {"id": None}, *(ABOUT | {"source": s} for s in (None, "a b", "x" * 17, "a/b"))],
)
def test_a_report_of_no_object_is_dead_with_its_reason(about: Any) -> None:
    with pytest.raises(MalformedAlertError, match="object"):
        read_report(make_loose(object=about))


@pytest.mark.parametrize(
    ("ra", "dec", "place"),
    [
        *((360.0, 90.0, (0.0, 90.0)), (0.0, -90.0, (0.0, -90.0))),
        *((360.1, 0.0, (None, None)), (-0.1, 0.0, (None, None)), (0.0, 90.1, (None, None))),
        *((None, 1.0, (None, None)), (1.0, float("nan"), (None, None))),
    ],
)
def test_a_place_is_given_whole_or_not_at_all(ra: Any, dec: Any, place: Any) -> None:
    said = read_report(make_loose(object=ABOUT | {"ra": ra, "dec": dec}))

    assert (said.ra, said.dec) == place


@pytest.mark.parametrize(
    ("photometry", "time"),
    [
        (None, None),
        ([], None),
        ([None, {"time": None}, {"time": 7.0}], None),
        ([{"time": JD - 1}, {"time": JD}, {"time": -999.0}], datetime(2026, 1, 1, 6, tzinfo=UTC)),
    ],
)
def test_a_report_is_of_its_newest_point_that_has_a_time(photometry: Any, time: Any) -> None:
    assert read_report(make_loose(photometry=photometry)).time == time


@pytest.mark.parametrize(
    "classification",
    [
        None,
        [],
        [SAID | {"name": None}],
        [SAID | {"models": None}],
        [SAID | {"models": [{"model": "m", "probabilities": None}]}],
        [SAID | {"models": [{"model": "m", "probabilities": {"P(SNIa)": None, "x": 2.0}}]}],
    ],
)
def test_a_report_that_says_nothing_of_a_class_is_kept(classification: Any) -> None:
    with pytest.raises(UnhandledAlertError, match="nothing of a class"):
        read_report(make_loose(classification=classification))


def test_a_classifier_without_a_model_or_a_version_is_one_all_the_same() -> None:
    models = [{"model": None, "probabilities": {"SN Ia": 1.0, "P()": 0.0, "P(KN) ": 0.5}}]

    (judgement,) = read_report(
        make_loose(classification=[SAID | {"version": None, "models": models}])
    ).judgements

    assert (judgement.classifier, judgement.version) == ("Made", "")
    assert judgement.probabilities == {"SN Ia": 1.0, "P()": 0.0, "P(KN)": 0.5}
    assert judgement.classes == {"SN Ia": "supernova Ia"}


def test_names_are_cut_as_their_columns_hold_them() -> None:
    model = {"model": "m" * 99, "probabilities": {f"P({'c' * 60})": 0.5, "k" * 99: 0.25}}

    (judgement,) = read_report(
        make_loose(
            classification=[SAID | {"name": "n" * 99, "version": "v" * 99, "models": [model]}]
        )
    ).judgements

    for name, longest in (("classifier", 100), ("version", 50)):
        assert len(getattr(judgement, name)) == longest
        assert longest <= (Classification._meta.get_field(name).max_length or 0)
    assert judgement.probabilities == {"c" * 60: 0.5, "k" * 60: 0.25}


def test_of_very_many_models_classes_and_faults_the_first_fifty_count() -> None:
    many = {f"c{n}": 0.01 for n in range(80)}
    odd = {f"o{n}": 7.0 for n in range(80)}
    models = [{"model": f"m{n}", "probabilities": many} for n in range(80)]
    models += [{"model": "odd", "probabilities": odd}]

    said = read_report(make_loose(classification=[SAID | {"models": models}]))

    assert len(said.judgements) == len(said.judgements[0].probabilities) == len(said.left_out) == 50
    assert said.judgements[-1].classifier == "Made m49"


# --- Where it stands ----------------------------------------------------------------------------
def send(*payloads: bytes, topic: str = TOPIC) -> None:
    for payload in payloads:
        store_message(topic, payload)
    while intake.work_alerts():
        pass


@pytest.mark.django_db
def test_a_report_stands_on_the_target_at_its_place() -> None:
    target = make_target(ra=197.45, dec=-23.38)

    send(make_report())

    row = classifications_of(target, AnonymousUser()).get()
    assert (row.author, row.classifier, row.version) == ("AMPEL", "Made m0", "2")
    assert row.likely[0] == ("SNIa", "supernova Ia", 0.7)
    assert row.time == datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
    assert not row.is_test


@pytest.mark.django_db
def test_a_report_on_a_test_topic_is_a_test_and_one_of_tomorrow_is_refused() -> None:
    send(make_report(), topic="ampel.lsst.test")
    send(make_report(times=(JD + 1000,)))

    assert Classification.objects.get().is_test
    assert AlertMessage.objects.latest("pk").state == MessageState.DEAD


@pytest.mark.django_db
def test_what_is_said_again_adds_no_row_and_what_is_said_anew_does() -> None:
    send(make_report())
    send(make_report(), topic="ampel.lsst.others")
    assert Classification.objects.count() == 1

    send(make_report({"P(SNIa)": 0.9}), make_report({"P(SNIa)": 0.9}, times=(JD + 1,)))

    assert Classification.objects.count() == 3
    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}


@pytest.mark.django_db
def test_what_was_left_out_is_the_reason_of_its_message() -> None:
    send(make_report({"P(SNIa)": 1.5, "P(TDE)": 0.5}), make_report({}), make_report()[:-40])

    reasons = list(AlertMessage.objects.order_by("pk").values_list("state", "reason"))
    assert reasons[0] == ("stored", "stored, but left out: P(SNIa) (no probability)")
    assert reasons[1] == ("unhandled", "a report that says nothing of a class")
    assert reasons[2][0] == "dead"


def test_a_real_report_is_read(real_data) -> None:
    payload = (real_data / "brokers" / "recorded" / "ampel_report.avro").read_bytes()

    assert identify(FILE_TOPIC, payload) == "ampel.report"
    said = read_report(payload)

    assert said.object_id == str(NUMBER)
    (judgement,) = said.judgements
    assert (judgement.classifier, judgement.version) == (
        "ParsnipRiseDecline sn+2ulens+dwarfs",
        "1",
    )
    assert judgement.probabilities["SLSN-I"] == pytest.approx(0.94889, abs=1e-5)
    assert len(judgement.probabilities) == len(judgement.classes) == 14
    assert said.left_out == ()


def test_a_real_report_has_the_light_curve_of_its_object(real_data) -> None:
    payload = (real_data / "brokers" / "recorded" / "ampel_report.avro").read_bytes()

    (alert,) = read_told(payload).alerts

    assert (alert.survey, alert.object_id, len(alert.points)) == ("LSST", str(NUMBER), 14)
    first = alert.points[0]
    assert (first.kind, first.band) == (PointKind.ALERT, "i")
    assert first.flux_njy == pytest.approx(4006.1707)
    mjd = Time(2461191.474228773, format="jd", scale="tai").utc.to_datetime(timezone=UTC)
    assert abs(first.time - mjd) < timedelta(milliseconds=2)
    assert {point.kind for point in alert.points} == {PointKind.ALERT, PointKind.FORCED}


@pytest.mark.django_db
def test_a_real_report_makes_a_target_once(real_data) -> None:
    payload = (real_data / "brokers" / "recorded" / "ampel_report.avro").read_bytes()

    send(payload)
    send(payload, topic="ampel.lsst.others")

    (target,) = BaseTarget.objects.all()
    assert LightCurvePoint.objects.filter(target=target).count() == 14
    assert classifications_of(target, AnonymousUser()).count() == 1
