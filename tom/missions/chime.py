"""CHIME/FRB: GCN's JSON notices of fast radio bursts, and the VOEvents of its own service.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/chime/frb.schema.json and
https://www.chime-frb.ca/voevents; the numbers of bursts in both are the same. The
circle of a VOEvent holds 95%: it has the longer axis of the ellipse that stands beside it.
A notice does not say when it was sent: it has the time of its burst, and the kinds of notice of
one burst stand in their order. A later burst of a source that repeats is an event of its own; the
source's name is kept beside it. No error is added to the ellipses: we found no published one.
"""

import re
from collections.abc import Iterator
from typing import Final

from tom.formats.voevent import VOEvent
from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form
from tom.forms.voevents import Writer, voevent_form

_NUMBER: Final = re.compile(r"[0-9]{4,16}")

_FRB: Final = Teller(
    sender="CHIME",
    folder="/notices/chime/",
    kind="frb",
    ids=((r"[0-9]{4,16}", "CHIME-{0}"),),
    instrument="CHIME/FRB",
)


def _burst_of(voevent: VOEvent) -> Iterator[str]:
    number = voevent.value("event_no") or ""
    if _NUMBER.fullmatch(number):
        yield f"CHIME-{number}"


_WRITER: Final = Writer(
    sender="CHIME",
    ivorn=r"ivo://ca\.chimenet\.frb/",
    kind="frb",
    names=_burst_of,
    instrument=lambda _: "CHIME/FRB",
    containment=0.95,
)

CHIME: Final = Mission(
    name="CHIME",
    forms=(
        gcn_form(_FRB, name="gcn.chime.frb", topics=("gcn.notices.chime.*",)),
        voevent_form(_WRITER, name="chime.voevent", topics=()),
    ),
    event_names=(r"chime-\d{6,16}",),
    figures=(
        Figure(
            "Dispersion measure", ("dm", "params__event parameters__dm"), "pc/cm³", error="dm_error"
        ),
        Figure("Of it the Galaxy's, at most", ("dm_gal_ne_2001_max",), "pc/cm³"),
        Figure("Signal to noise", ("snr", "params__event parameters__snr")),
        Figure("Known source", ("known_source",)),
    ),
)
