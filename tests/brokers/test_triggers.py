"""The triggers of brokers' packets: what a stream's filter judges, read without the rest."""

import pytest
from django.utils import timezone

from tests.brokers.test_retelling import FINK, make_babamul, make_fink_record
from tests.conftest import REAL_DATA
from tests.factories import make_stream
from tests.fuzz.samples import Samples, all_samples
from tests.streams.packets import make_container
from tests.streams.quiet import nowhere
from tom.brokers import fink
from tom.formats.errors import MalformedAlertError
from tom.forms.registry import forms
from tom.records import ObjectAlert, Retelling, Trigger, trigger_of
from tom.streams.door import Door, judge_items
from tom.streams.models import StreamFilter
from tom.streams.rules import Outcome, Rule
from tom.streams.services import Incoming


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Made packets of each form, and real ones where there are some."""
    return all_samples(REAL_DATA)


@pytest.mark.parametrize("name", ["ztf.avro", "fink.alert", "babamul.alert"])
def test_a_trigger_says_what_the_whole_packet_says(samples: Samples, name: str) -> None:
    form = forms()[name]
    assert form.read_trigger is not None
    assert form.parse is not None
    for payload in samples[name]:
        try:
            record = form.parse(payload)
        except MalformedAlertError:  # some real ones have a detection that is none
            with pytest.raises(MalformedAlertError):
                form.read_trigger(payload)
            continue
        match record:
            case ObjectAlert() as alert:
                whole = trigger_of(alert)
            case Retelling(alerts=(alert,)):
                whole = trigger_of(alert)
        found = form.read_trigger(payload)
        names = ("survey", "object_id", "alert_id", "time", "ra", "dec", "band", "flux_njy")
        assert [getattr(found, each) for each in names] == [getattr(whole, each) for each in names]
        assert found.program == whole.program


def test_nothing_after_the_trigger_is_decoded(monkeypatch) -> None:
    """Its end may be damaged: the trigger is read as before, the packet is not."""
    record = make_fink_record()
    schema = {**FINK, "fields": [*FINK["fields"], {"name": "last", "type": "string"}]}
    payload = make_container(schema, [record | {"last": "\u00e9" * 40}])
    damaged = payload.replace("\u00e9".encode(), b"\xff\xff")

    assert damaged != payload
    assert fink.read_trigger(damaged) == fink.read_trigger(payload)


def outcomes(rule: Rule, topic: str, *payloads: bytes) -> list[Outcome | None]:
    items = [Incoming(topic, payload, 0, number) for number, payload in enumerate(payloads)]
    return [outcome for outcome, _ in judge_items(rule, items, nowhere(timezone.now()))]


def test_a_filter_judges_packets_of_fink_and_of_babamul() -> None:
    packets = {
        "fink_sn_candidates_ztf": make_container(FINK, [make_fink_record()]),
        "babamul.ztf.none": make_babamul(),
    }
    for topic, payload in packets.items():
        assert outcomes(Rule(faintest=30.0), topic, payload) == [Outcome.PASSED]
        assert outcomes(Rule(faintest=10.0), topic, payload) == [Outcome.MAGNITUDE]
        assert outcomes(Rule(least_dec=80.0), topic, payload) == [Outcome.DECLINATION]
        assert outcomes(Rule(programs=(7,)), topic, payload) == [Outcome.PROGRAM]
        assert outcomes(Rule(), topic, payload[: len(payload) // 2]) == [Outcome.UNREAD]


def test_every_survey_packet_of_one_object_is_judged_and_what_tells_of_none_passes(
    samples: Samples,
) -> None:
    nothing = Rule(brightest=-50.0, faintest=-40.0)
    judged = outcomes(nothing, "elasticc-alerts", *samples["elasticc.avro"][:3])
    said = outcomes(nothing, "elasticc-classifications", *samples["elasticc.classification"][:3])

    assert set(judged) == {Outcome.MAGNITUDE}
    assert set(said) == {None}


@pytest.mark.django_db
def test_what_a_filter_leaves_out_of_fink_s_stream_is_not_kept() -> None:
    stream = make_stream(topics=["fink_sn_candidates_ztf"], active=True)
    StreamFilter.objects.create(stream=stream, began=timezone.now(), least_dec=80.0)
    item = Incoming("fink_sn_candidates_ztf", make_container(FINK, [make_fink_record()]), 0, 1)

    found = Door(stream.pk, nowhere).sort([item])

    assert (found.passed, found.left_out) == ([], [item])
    assert isinstance(fink.read_trigger(item.payload), Trigger)
