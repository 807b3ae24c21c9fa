"""SVOM: its VOEvents of ECLAIRs, GRM and MXT, and GCN's JSON notices of triggers.

Form of JSON: https://gcn.nasa.gov/schema/main/gcn/notices/svom/trigger.schema.json
What they mean: https://fsc.svom.org/readthedocs/svom/notices_and_circulars/n1_notices.html
GRM sends an error of -1 where it has none: no map is made then. No error is added to the circles
of ECLAIRs: the ten arc minutes of https://gcn.nasa.gov/circulars/37208 were those of its first
weeks, and we found no later published number.
"""

import re
from collections.abc import Iterator
from typing import Final

from tom.formats.voevent import VOEvent
from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form
from tom.forms.voevents import Writer, voevent_form

_TRIGGER: Final = Teller(
    sender="SVOM",
    folder="/notices/svom/",
    kind="grb",
    ids=((r"sb[0-9]{8}", "{0}"),),
    instrument="SVOM",
)

_BURST: Final = re.compile(r"sb[0-9]{8}")


def _burst_of(voevent: VOEvent) -> Iterator[str]:
    """Its burst's name, which its own name begins with, too."""
    said = (voevent.value("Burst_Id") or "", voevent.ivorn.partition("#")[2][:10])
    yield from (name for name in said if _BURST.fullmatch(name))


def _instrument_of(voevent: VOEvent) -> str:
    return voevent.value("Instrument") or "SVOM"


_WRITER: Final = Writer(
    sender="SVOM",
    ivorn=r"ivo://org\.svom/",
    kind="grb",
    names=_burst_of,
    instrument=_instrument_of,
)

SVOM: Final = Mission(
    name="SVOM",
    forms=(
        gcn_form(
            _TRIGGER,
            name="gcn.svom",
            topics=(
                "gcn.notices.svom.eclairs*",
                "gcn.notices.svom.grm*",
                "gcn.notices.svom.trigger*",
            ),
        ),
        voevent_form(_WRITER, name="gcn.svom.voevent", topics=("gcn.notices.svom.voevent.*",)),
    ),
    told_as=((r"svom[ #-]*(sb[0-9]{8})", "{0}"),),
    figures=(
        Figure("Signal to noise of the image", ("image_snr",)),
        Figure("Signal to noise of the rate", ("rate_snr",)),
    ),
)
