"""What brokers say of ELAsTiCC's objects, with the version of their taxonomy."""

import io
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest

from tests.streams.packets import make_container
from tests.surveys.test_mapped import simulated
from tom import intake
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.elasticc.classes import SCHEMA, parse_classes
from tom.targets.classified import Classification

SAID = {
    "alertId": 1, "diaSourceId": 851 * 2000 + 9, "brokerIngestTimestamp": None,
    "elasticcPublishTimestamp": datetime(2023, 2, 8, 1, 2, 3, tzinfo=UTC), "brokerName": "Fink",
    "brokerVersion": "2.7", "classifierName": "SN", "classifierParams": "",
    "classifications": [
        {"classId": 2222, "probability": 0.75}, {"classId": 2332, "probability": 0.25},
    ],
}  # fmt: skip


def bare(**values: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, SCHEMA, SAID | values)
    return stream.getvalue()


def contained(**values: Any) -> bytes:
    named = SCHEMA | {"name": "elasticc.v0_9_1.brokerClassfication"}
    return make_container(named, [SAID | values])


@pytest.mark.parametrize("payload", [bare(), contained()])
def test_a_message_names_its_object_author_classes_and_taxonomy(payload: bytes) -> None:
    said = parse_classes(payload)

    assert (said.author, said.survey, said.object_id) == ("Fink", "ELASTICC", "851")
    assert said.time == datetime(2023, 2, 8, 1, 2, 3, tzinfo=UTC)
    (judgement,) = said.judgements
    assert (judgement.classifier, judgement.version) == ("SN", "2.7, taxonomy 2")
    assert judgement.probabilities == {"2222": 0.75, "2332": 0.25}
    assert judgement.classes == {"2222": "supernova Ia", "2332": "agn"}


def test_numbers_of_the_first_taxonomy_mean_what_they_meant_there() -> None:
    (judgement,) = parse_classes(
        bare(classifications=[{"classId": 111, "probability": 1.0}])
    ).judgements

    assert judgement.classes == {"111": "supernova Ia"}
    assert judgement.version == "2.7, taxonomy 1"


def test_what_is_no_chance_is_left_out_and_named() -> None:
    chances = [{"classId": 2222, "probability": 7.0}, {"classId": 2332, "probability": 0.5}]

    said = parse_classes(bare(classifications=chances))

    assert said.judgements[0].probabilities == {"2332": 0.5}
    assert said.left_out == ("class 2222 (no probability)",)
    with pytest.raises(UnhandledAlertError):
        parse_classes(bare(classifications=chances[:1]))


@pytest.mark.parametrize("year", [1500, 3000])
def test_a_time_that_cannot_be_is_none(year: int) -> None:
    odd = datetime(year, 1, 1, tzinfo=UTC)

    assert parse_classes(bare(elasticcPublishTimestamp=odd)).time is None


@pytest.mark.parametrize("payload", [bare()[:-1], bare() + b"\0", bare(diaSourceId=0), b"", b"\0"])
def test_what_is_damaged_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        parse_classes(payload)


@pytest.mark.django_db
def test_it_stands_on_the_object_that_its_source_is_of() -> None:
    store_message(FILE_TOPIC, simulated(diaObjectId=851))
    store_message("elasticc-classifications", bare())
    store_message(FILE_TOPIC, contained(brokerName="ALeRCE"))

    while intake.work_alerts():
        pass

    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}
    rows = Classification.objects.order_by("author")
    assert [(row.author, row.object_id, row.is_test) for row in rows] == [
        ("ALeRCE", "851", True),
        ("Fink", "851", True),
    ]


def test_real_messages_are_read(real_data: Any) -> None:
    payload = (real_data / "elasticc" / "schema_brokerClassification_example.avro").read_bytes()

    assert identify(FILE_TOPIC, payload) == "elasticc.classification"
    said = parse_classes(payload)

    assert said.object_id == "135792468"
    assert {each.classifier: each.probabilities.keys() for each in said.judgements} == {
        "RealBogus_v0.1": {"10", "20"},
        "SuperNNova_v1.3": {"11120", "111120"},
    }
