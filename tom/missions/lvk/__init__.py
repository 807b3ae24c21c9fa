"""LIGO, Virgo and KAGRA: notices of gravitational waves, and what is said of them elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tom.formats.containers import WriterSchema
from tom.forms.declared import Encoding, Figure, Form, Mission, Page
from tom.forms.event_names import name_told
from tom.forms.voevents import KEYS, facts_of, is_of, tests_of
from tom.missions.lvk.alert import GWAlert, parse_gwalert_avro, parse_gwalert_json
from tom.missions.lvk.voevents import IVORN, parse_gwalert_xml
from tom.records import Notice
from tom.records.notice import NoticeMap, Product

_NAME: Final = "LVK"
_BURST_SEARCH: Final = "GRB"
_KEYS: Final = frozenset({"superevent_id", "alert_type"})
_TOPICS: Final = ("igwn.gwalert*",)  # Avro on Hopskotch, JSON at GCN: the first bytes tell
# What of a message is bytes, or said already.
_MAPS: Final[Mapping[str, Any]] = {
    "event": {"skymap"},
    "external_coinc": {"combined_skymap"},
    "left_out": True,
}


def _is_avro(schema: WriterSchema) -> bool:
    return schema.fields.keys() >= _KEYS


def _is_json(message: Mapping[str, Any]) -> bool:
    return message.keys() >= _KEYS


def notice_of(alert: GWAlert) -> Notice:
    """Say what an alert says in the words of every mission's."""
    event = alert.event
    return Notice(
        sender=_NAME,
        kind="gw",
        names=(alert.name,) if alert.name else (),
        followed=_followed(alert) if alert.superevent_id else (),
        type=alert.alert_type,
        time=alert.time_created,
        event_time=event.time if event else None,
        significant=event.significant if event else None,
        far=event.far if event else None,
        classification=event.classification if event else {},
        properties=event.properties if event else {},
        instruments=event.instruments if event else (),
        maps=tuple(_maps(alert)),
        addresses=_addresses(alert),
        facts=alert.model_dump(mode="json", exclude=dict(_MAPS)),
        test_reasons=alert.test_reasons,
        left_out=alert.left_out,
    )


def _followed(alert: GWAlert) -> tuple[str, ...]:
    """The name of the burst that another mission saw at the same time; none of a test's."""
    found = alert.external_coinc
    if found is None or alert.test_reasons or found.search != _BURST_SEARCH:
        return ()
    name = name_told(f"{found.observatory} {found.gcn_notice_id}")
    return (name,) if name else ()


def _maps(alert: GWAlert) -> list[NoticeMap]:
    pipeline = (alert.event.pipeline if alert.event else None) or ""
    brought = (
        (Product.SKYMAP, pipeline, alert.skymap),
        (Product.COMBINED, _NAME, alert.combined_skymap),
    )
    return [
        NoticeMap(product=product, author=author, fits=fits)
        for product, author, fits in brought
        if fits is not None
    ]


def _addresses(alert: GWAlert) -> dict[str, str]:
    """The addresses of maps that the alert does not carry."""
    fits = {Product.SKYMAP: alert.skymap, Product.COMBINED: alert.combined_skymap}
    told = {each: alert.urls.get(each.value) for each in fits if fits[each] is None}
    return {each.value: url for each, url in told.items() if url and alert.event is not None}


def read_json_notice(payload: bytes) -> Notice:
    """Read an alert of GCN's; raises MalformedAlertError."""
    return notice_of(parse_gwalert_json(payload))


def read_avro_notice(payload: bytes) -> Notice:
    """Read an alert of Hopskotch's; raises MalformedAlertError."""
    return notice_of(parse_gwalert_avro(payload))


def read_xml_notice(payload: bytes) -> Notice:
    """Read a VOEvent; raises MalformedAlertError, and UnhandledAlertError for a utility.

    What JSON says too is said in the same words, so that both are one message of the chain.
    """
    alert, voevent = parse_gwalert_xml(payload)
    notice = notice_of(alert)
    tests = tests_of(voevent)
    told = facts_of(voevent)
    facts = {"ivorn": told["ivorn"], "role": told["role"], "citations": told["citations"]}
    name = alert.name_of_test if tests else alert.name
    return replace(
        notice,
        names=(name,) if name else (),
        followed=() if tests else notice.followed,
        facts={**notice.facts, **facts},
        test_reasons=tuple(dict.fromkeys((*notice.test_reasons, *tests))),
    )


LVK: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="igwn.json",
            encoding=Encoding.JSON,
            topics=_TOPICS,
            recognises=_is_json,
            keys=(b'"superevent_id"', b'"alert_type"'),
            record=Notice,
            parse=read_json_notice,
            is_open=True,
        ),
        Form(
            name="igwn.avro",
            encoding=Encoding.AVRO,
            topics=_TOPICS,
            recognises=_is_avro,
            record=Notice,
            parse=read_avro_notice,
            is_open=True,
        ),
        Form(
            name="igwn.voevent",
            encoding=Encoding.XML,
            topics=("gcn.classic.voevent.LVC_*",),
            recognises=partial(is_of, IVORN),
            keys=KEYS,
            record=Notice,
            parse=read_xml_notice,
            is_open=True,
        ),
    ),
    pages=(
        Page(
            name="GraceDB",
            pattern=r"(G[0-9]{5,6})",
            url="https://gracedb.ligo.org/events/{0}",
        ),
        Page(
            name="GraceDB",
            pattern=r"((?:M|T)?(?:S[0-9]{4,5}|(?:S|GW)[0-9]{6}[a-zA-Z]{1,8}))",
            url="https://gracedb.ligo.org/superevents/{0}/view/",
        ),
    ),
    test_topics=(r"igwn\.gwalert-(?:playground|test|dev)",),
    event_names=(r"[mt]?s\d{6}[a-z]{1,5}", r"[mt]?s\d{4,5}", r"g\d{6}"),
    speaks_as_one=True,
    prefixes=("ligo", "virgo", "kagra", "lvk", "lvc", "gw"),
    detectors={
        "H1": "LIGO Hanford",
        "L1": "LIGO Livingston",
        "V1": "Virgo",
        "K1": "KAGRA",
    },
    figures=(
        Figure("Group", ("event__group",)),
        Figure("Pipeline", ("event__pipeline",)),
        Figure("Duration", ("event__duration",), "s"),
        Figure("Central frequency", ("event__central_frequency",), "Hz"),
    ),
)
