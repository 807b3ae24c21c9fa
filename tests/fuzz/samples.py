"""Sound messages of every form: real ones where there are some, made ones besides."""

import json
import random
import zlib
from pathlib import Path

from tests.brokers.test_pitt_google import part_of_rubin, written
from tests.brokers.test_retelling import LOCUS, NAME, bson, make_answer, make_babamul
from tests.events.test_circulars import make_mail
from tests.missions.test_einstein_probe import make_notice
from tests.missions.test_gcn_notices import CORNERS, KINDS
from tests.missions.test_gcn_notices import make_notice as made
from tests.missions.voevents import IVORNS, make_voevent
from tests.streams.packets import (
    make_circular,
    make_container,
    make_detection,
    make_forced,
    make_gwalert_avro,
    make_gwalert_json,
    make_limit,
    make_ztf_packet,
)
from tests.surveys.elasticc.test_alerts import streamed
from tests.surveys.elasticc.test_classes import bare, contained
from tests.surveys.lsst import made as lsst
from tests.surveys.test_mapped import simulated
from tom.formats.archives import Rejection, open_packets
from tom.forms.networks import FILE_TOPIC, UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.surveys.lsst.schemas import published

Samples = dict[str, list[bytes]]

FOLDERS = (
    "ztf",
    "lsst",
    "elasticc/packets",
    "other_surveys",
    "brokers",
    "malformed",
    "gw/gcn",
    "gw/voevent",
)
MOST_OF_A_FORM = 12
MOST_BYTES = 200_000


def made_samples() -> Samples:
    """Messages that need no data."""
    epochs = {"history": [make_detection(), make_limit()], "forced": [make_forced()]}
    history, forced = [lsst.make_source(diaSourceId=5)], [lsst.make_forced()]
    return {
        "ztf.avro": [
            make_ztf_packet(**epochs, codec=codec) for codec in ("null", "deflate", "snappy")
        ],
        "lsst.framed": [
            lsst.make_framed(version, history=history, forced=forced) for version in published()
        ],
        "lsst.avro": [lsst.make_file(1101, history=history, forced=forced)],
        "elasticc.avro": [simulated(), streamed(), streamed(early=True)],
        "elasticc.classification": [bare(), contained()],
        "igwn.avro": [make_gwalert_avro()],
        "igwn.json": [make_gwalert_json(), make_gwalert_json(alert_type="RETRACTION")],
        "gcn.circular": [make_circular(), make_mail()],
        "gcn.einstein_probe.wxt": [make_notice()],
        **_notices(),
        **{form: [make_voevent(form)] for form in IVORNS},
        "fink.answer": [_sources()],
        "antares.locus": [zlib.compress(bson(LOCUS))],
        "alerce.answer": [json.dumps(make_answer()).encode()],
        "alerce.classified": [_classified()],
        "babamul.alert": [make_babamul()],
        "pitt_google.part": [_part()],
        "hermes": [json.dumps({"title": "a", "submitter": "b", "message_text": "c"}).encode()],
    }


def _notices() -> Samples:
    """Notices of GCN's: of each mission with an ellipse, and one with a box."""
    found: Samples = {}
    for folder, (_, form, _, _) in KINDS.items():
        found.setdefault(form, []).append(made(folder, ra_dec_error=[2, 1, 30]))
    box = {"ra_dec_error": None, "rectangular_error_corners": CORNERS}
    found["gcn.maxi"].append(made("maxi/gsc.unknown", **box))
    return found


def _sources() -> bytes:
    """What Fink's API tells of an object of Rubin."""
    source = {f"r:{name}": value for name, value in lsst.make_source(diaObjectId=7).items()}
    forced = {f"r:{name}": value for name, value in lsst.make_forced().items()}
    source |= {"f:clf_snnSnVsOthers_score": 0.7, "f:xm_tns_type": "SN Ia"}
    return json.dumps({"fink_sources": [source], "fink_forced": [forced]}).encode()


def _classified() -> bytes:
    """A message of ALeRCE's stream."""
    chances = {"name": "probabilities", "type": {"type": "map", "values": "float"}}
    inner = {"type": "record", "name": "lc"}
    inner["fields"] = [{"name": "class", "type": "string"}, chances]
    schema = {"type": "record", "name": "any"}
    schema["fields"] = [
        {"name": "oid", "type": "string"},
        {"name": "lc_classification", "type": inner},
    ]
    said = {"class": "SNIa", "probabilities": {"SNIa": 0.5}}
    return make_container(schema, [{"oid": NAME, "lc_classification": said}])


def _part() -> bytes:
    """A part of a packet as Pitt-Google's modules pass it on, with what they say."""
    part = part_of_rubin(lsst.make_record(history=[lsst.make_source(diaSourceId=5)], forced=[]))
    said = {"prob_class0": 0.9, "prob_class1": 0.1}
    upsilon = {"g_label": "RRL_ab", "g_probability": 0.7, "g_flag": 0}
    return written({"alert_lite": part, "SuperNNova": said, "upsilon": upsilon, "variability": {}})


def real_samples(data: Path) -> Samples:
    """Some messages of each form among the real ones, each as large as most are at most."""
    found: Samples = {}
    for folder in FOLDERS:
        for _, payload in open_packets(data / folder):
            if isinstance(payload, Rejection) or len(payload) > MOST_BYTES:
                continue
            name = identify(FILE_TOPIC, payload)
            if name != UNKNOWN:
                found.setdefault(name, []).append(payload)
    chooser = random.Random(1)
    return {
        name: chooser.sample(payloads, min(len(payloads), MOST_OF_A_FORM))
        for name, payloads in found.items()
    }


def all_samples(data: Path) -> Samples:
    """Those that are made, and real ones where there are some; a form without any borrows."""
    samples = made_samples()
    for name, payloads in (real_samples(data) if data.is_dir() else {}).items():
        samples.setdefault(name, []).extend(payloads)
    borrowed = {
        name: [
            payload
            for other, payloads in samples.items()
            if forms()[other].encoding is form.encoding
            for payload in payloads[:3]
        ]
        for name, form in forms().items()
        if form.parse and name not in samples
    }
    return samples | borrowed
