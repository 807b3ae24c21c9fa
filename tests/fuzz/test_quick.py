"""Some seconds of `make fuzz`: damaged messages, and that the fuzzer sees what is wrong."""

from dataclasses import replace
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from tests.conftest import REAL_DATA
from tests.fuzz import running
from tests.fuzz.checks import check_record
from tests.fuzz.huge import enlarge, filled, many_copies, many_names, take_apart
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.running import fuzz, fuzz_huge, keep_faults
from tests.fuzz.samples import Samples, all_samples, made_samples
from tom.forms.registry import forms
from tom.surveys.ztf.packets import parse_ztf


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Made ones, and real ones where there are some."""
    return all_samples(REAL_DATA)


def test_damaged_messages_are_read_or_refused_and_nothing_else(samples: Samples) -> None:
    found = fuzz(samples, messages=2500, seed=7)

    assert found.faults == {}
    assert found.n_faults == 0
    assert found.slowest < running.SECONDS
    assert sum(found.read.values()) > 200
    assert sum(found.refused.values()) > 1000
    with_trigger = [name for name, form in forms().items() if form.read_trigger]
    assert {"ztf.avro", "fink.alert", "babamul.alert"} <= set(with_trigger)
    assert all(found.triggers[f"{name} refused"] > 10 for name in with_trigger)


def test_huge_messages_are_read_or_refused_within_a_second(samples: Samples) -> None:
    found = fuzz_huge(samples, messages=50, seed=3)

    assert found.faults == {}
    assert found.read
    assert sum(found.refused.values()) > 20


@pytest.mark.parametrize(
    ("name", "place", "filling"),
    [
        ("lsst.framed", ("prvDiaForcedSources",), many_copies),
        ("lsst.avro", ("diaSourceId",), many_names),
        ("fink.answer", ("fink_forced",), many_copies),
        ("igwn.json", ("event", "classification"), many_names),
        ("gcn.icecube", ("$schema",), many_names),
        ("antares.locus", (), many_names),
        ("hermes", (), many_names),
    ],
)
def test_what_once_took_seconds_is_bounded(name: str, place: Any, filling: Any) -> None:
    taken = take_apart(made_samples()[name][0])
    assert taken is not None
    payload = filled(taken[0], place, filling, taken[1], 10_000_000)
    assert payload is not None
    found = running.Found()
    running.look_at(name, payload, found)

    assert found.faults == {}


def test_most_messages_can_be_made_huge(samples: Samples) -> None:
    random = Random(2)
    made = [enlarge(payloads[0], random, size=100_000) for payloads in samples.values()]

    sizes = [len(payload) for payload in made if payload is not None]

    assert sum(size > 10_000 for size in sizes) > 0.5 * len(samples)


def test_every_parser_has_a_sample(samples: Samples) -> None:
    parsers = {name for name, form in forms().items() if form.parse}

    assert samples.keys() >= parsers


def test_every_sample_is_sound_before_it_is_damaged() -> None:
    for name, payloads in made_samples().items():
        for payload in payloads:
            parse = forms()[name].parse
            assert parse is not None
            check_record(parse(payload))


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_way_of_damage_changes_most_messages(mutation: Any) -> None:
    samples = made_samples()
    everything = [payload for payloads in samples.values() for payload in payloads]

    changed = sum(
        mutation(payload, everything, Random(seed)) != payload
        for payload in everything
        for seed in range(4)
    )

    assert changed > len(everything)


def test_a_parser_that_breaks_lies_or_lingers_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = made_samples()["ztf.avro"]
    alert = parse_ztf(sound[0])
    lies = [
        replace(alert, ra=400.0),
        replace(alert, magnitude=float("nan")),
        replace(alert, points=(*alert.points, alert.points[0])),
        replace(alert, points=(replace(alert.points[0], flux_error_njy=0.0),)),
        replace(alert, object_id="a\x00"),
        replace(alert, scores={"rb": 7.0}),
    ]

    def lie(_: bytes) -> Any:
        return lies.pop() if lies else {}["nothing"]

    broken = replace(forms()["ztf.avro"], parse=lie)
    monkeypatch.setattr(running, "forms", lambda: MappingProxyType({"ztf.avro": broken}))
    found = fuzz({"ztf.avro": sound}, messages=7, seed=1)
    keep_faults(found, tmp_path)

    assert found.n_faults == 7
    assert any("KeyError" in why for why, _ in found.faults.values())
    assert len(list(tmp_path.glob("*.txt"))) == len(found.faults)
