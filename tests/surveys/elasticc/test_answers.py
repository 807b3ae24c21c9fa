"""What our scorers say of ELAsTiCC's alerts, in its own form."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.surveys.elasticc.test_alerts import streamed
from tom.formats.errors import MalformedAlertError
from tom.forms.declared import Opinion
from tom.surveys.elasticc.answers import ANSWERS, write_answer
from tom.surveys.elasticc.classes import parse_classes

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def opinion(**chances: float) -> Opinion:
    named = {name.replace("_", " "): chance for name, chance in chances.items()}
    return Opinion(
        author="Ours", author_version="0.1.0", scorer="s 1.0.0", chances=named or {"agn": 1.0},
        sent=NOW, received=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(("early", "number"), [(True, "221"), (False, "2332")])
def test_the_numbers_are_those_of_the_alerts_own_taxonomy(early: bool, number: str) -> None:
    said = parse_classes(write_answer(streamed(early), opinion()))

    assert said.judgements[0].classes == {number: "agn"}
    assert said.object_id == "7"
    assert said.time == NOW


def test_every_class_has_a_number_in_either_taxonomy_and_is_read_back() -> None:
    for name in ANSWERS.classes:
        for early in (True, False):
            said = parse_classes(write_answer(streamed(early), opinion(**{name: 1.0})))
            assert set(said.judgements[0].classes.values()) == {name}


def test_bytes_that_are_no_alert_are_malformed() -> None:
    with pytest.raises(MalformedAlertError):
        write_answer(b"\0\1\2", opinion())


def test_each_real_packet_is_answered(real_data: Path) -> None:
    packets = sorted((real_data / "elasticc" / "packets").glob("*.avro"))
    assert packets
    for path in packets:
        said = parse_classes(write_answer(path.read_bytes(), opinion()))
        assert f"_obj{said.object_id}_" in path.name
        assert said.judgements[0].classes == {"221": "agn"}
