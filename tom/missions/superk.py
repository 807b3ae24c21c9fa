"""Super-Kamiokande: GCN's notices of bursts of neutrinos from supernovae, in JSON and in VOEvents.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/superk/sn_alert.schema.json and
https://gcn.gsfc.nasa.gov/gcn/sk_sn.html. A VOEvent counts its events from 1, JSON by another
number: one supernova is an event by each. A VOEvent has the radius of its circle among its values.
The circle is for a supernova within our Galaxy; the distance is told in the message's values. No
error is added to it: we found no published one.
"""

from collections.abc import Iterator
from typing import Final

from tom.formats.voevent import VOEvent
from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form
from tom.forms.voevents import Writer, voevent_form

_SUPERNOVA: Final = Teller(
    sender="Super-Kamiokande",
    folder="/notices/superk/",
    kind="neutrino",
    ids=((r"[A-Za-z0-9_.-]{1,40}", "SK-{0}"),),
)


def _burst_of(voevent: VOEvent) -> Iterator[str]:
    number = (voevent.value("Trigger_Number") or "").lstrip("0")
    if number.isdigit():
        yield f"SK-{number}"


_WRITER: Final = Writer(
    sender="Super-Kamiokande",
    ivorn=r"ivo://nasa\.gsfc\.gcn/SK_SN#",
    kind="neutrino",
    names=_burst_of,
    instrument=lambda _: "Super-Kamiokande",
)

SUPERK: Final = Mission(
    name="Super-Kamiokande",
    forms=(
        gcn_form(_SUPERNOVA, name="gcn.superk", topics=("gcn.notices.superk.*",)),
        voevent_form(_WRITER, name="gcn.superk.voevent", topics=("gcn.classic.voevent.SK_SN*",)),
    ),
    event_names=(r"sk-sn\.\d{6}\.\d{6}",),
    figures=(
        Figure(
            "Distance of the supernova",
            ("luminosity_distance",),
            "kpc",
            error="luminosity_distance_error",
            scale=1e3,
        ),
        Figure("Neutrinos", ("n_events", "params__What__N_Events")),
    ),
)
