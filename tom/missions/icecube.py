"""IceCube: GCN's JSON notices of single neutrinos, of its searches at LVK's events, and VOEvents.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/icecube/single_neutrino_alerts.schema.json and
lvk_nu_track_search.schema.json, with which that of cascades agrees; of VOEvents, which AMON passes
on, those of 2015 without the run's number: https://gcn.gsfc.nasa.gov/amon.html. All circles hold
90%.
No error is added to the circles. Their notices say that they are statistical, but we found no
published number for the rest: it differs from event to event.

A search becomes an event of its own: another retraction must not take LVK's event back, nor this
message bring it back. It has the circle of the neutrino that is the least likely to be by chance.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.values import finite
from tom.formats.voevent import VOEvent
from tom.forms.declared import Encoding, Figure, Form, Mission
from tom.forms.gcn_core import read_message, schema_of
from tom.forms.gcn_notices import Teller, core_with_time, gcn_form, is_of, notice_of, spelled
from tom.forms.voevents import Writer, number, voevent_form
from tom.records import Notice

_NAME: Final = "IceCube"
# Of tracks, of cascades, or of both; the older names have no lines between their words.
_SEARCH_FORM: Final = re.compile(r"_?nu_?\w*search", re.IGNORECASE)
_TRACK: Final = Teller(
    sender=_NAME,
    folder="/notices/icecube/",
    kind="neutrino",
    # The run and the event; the number of the revision may follow.
    ids=((r"0*([0-9]{4,9})_0*([0-9]{4,12})(?:_[0-9]{1,3})?", "IceCube-{0}_{1}"),),
    instrument=_NAME,
    own_names_first=True,
)
_SEARCH: Final = replace(_TRACK, ids=((r".+", "IceCube-at-{0}"),))
_TEST_PREFIXES: Final = ("M", "T")
_YEAR_S: Final = 31_557_600.0


def read_search(payload: bytes) -> Notice:
    """Read what a search at an event of LVK's found.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or names no event of LVK's. Retrying cannot help.
    UnhandledAlertError
        If no neutrino was found: there is no place to follow.
    """
    content = read_message(payload)
    followed = spelled(str(content.get("ref_ID") or ""))
    if not followed:
        reason = "it names no event that it followed: ref_ID is missing"
        raise MalformedAlertError(reason)
    found = [each for each in _listed(content) if isinstance(each, dict)]
    if not found and content.get("alert_type") != "retraction":
        reason = f"kept; no event: no neutrino was found at {followed}"
        raise UnhandledAlertError(reason)
    likeliest = min(found, key=_chance, default={})
    place = likeliest.get("localization")
    told = {**content, "id": followed, **(place if isinstance(place, dict) else {})}
    notice = notice_of(_SEARCH, core_with_time(told))
    tested = followed.startswith(_TEST_PREFIXES)
    return replace(
        notice,
        test_reasons=(*notice.test_reasons, *((f"it is of {followed}, a test",) if tested else ())),
    )


def _listed(content: Mapping[str, Any]) -> list[Any]:
    listed = content.get("coincident_events")
    return listed if isinstance(listed, list) else []


def _chance(event: Mapping[str, Any]) -> float:
    chance = finite(event.get("event_pval_generic"))
    return 1.0 if chance is None else chance


def _voevent_names(voevent: VOEvent) -> Iterator[str]:
    """The run's and the event's number, as JSON has them; without them the moment of the event."""
    run, event = voevent.value("run_id") or "", voevent.value("event_id") or ""
    if run.isdigit() and event.isdigit():
        yield f"IceCube-{run.lstrip('0')}_{event.lstrip('0')}"
    elif voevent.event_time is not None:
        yield f"IceCube-{voevent.event_time:%Y%m%dT%H%M%S}"


def _yearly(voevent: VOEvent) -> float | None:
    """Its rate of false alarms, which it counts by the year, in Hz."""
    rate = number(voevent, "FAR")
    return None if rate is None or rate < 0 else rate / _YEAR_S


_WRITER: Final = Writer(
    sender=_NAME,
    ivorn=r"ivo://nasa\.gsfc\.gcn/(?:AMON|ICECUBE)#ICECUBE_",
    kind="neutrino",
    names=_voevent_names,
    instrument=lambda _: _NAME,
    far=_yearly,
)


def _is_search(message: Mapping[str, Any]) -> bool:
    is_search = _SEARCH_FORM.search(schema_of(message)) is not None
    return is_search and is_of(_TRACK.folder, message)


ICECUBE: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="gcn.icecube.search",
            encoding=Encoding.JSON,
            record=Notice,
            topics=("gcn.notices.icecube.*_nu_*search*",),
            recognises=_is_search,
            keys=(b"_nu_track_search", b"_nu_cascade_search", b"_nu_search"),
            parse=read_search,
            is_open=True,
        ),
        gcn_form(_TRACK, name="gcn.icecube", topics=("gcn.notices.icecube.*",)),
        voevent_form(
            _WRITER,
            name="gcn.icecube.voevent",
            topics=("gcn.classic.voevent.ICECUBE_*", "gcn.classic.voevent.AMON_ICECUBE_*"),
        ),
    ),
    speaks_as_one=True,
    figures=(
        Figure("Chance to be astrophysical", ("p_astro", "params__What__signalness")),
        Figure("Most probable energy", ("nu_energy", "params__What__energy"), "TeV"),
        Figure("Selection", ("pipeline",)),
        Figure("Neutrinos in time and place", ("n_events_coincident",)),
        Figure("p-value, generic search", ("pval_generic",)),
        Figure("p-value, Bayesian search", ("pval_bayesian",)),
    ),
)
