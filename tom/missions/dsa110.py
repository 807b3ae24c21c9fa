"""The Deep Synoptic Array (DSA-110): GCN's JSON notices of fast radio bursts.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/dsa110/frb.schema.json
A notice does not say when it was sent, as one of CHIME's. No error is added to the ellipses: we
found no published one.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_FRB: Final = Teller(
    sender="DSA-110",
    folder="/notices/dsa110/",
    kind="frb",
    ids=((r"[0-9]{6}[a-z]{2,8}", "DSA110-{0}"),),
    instrument="DSA-110",
)

DSA110: Final = Mission(
    name="DSA-110",
    forms=(gcn_form(_FRB, name="gcn.dsa110.frb", topics=("gcn.notices.dsa110.*",)),),
    event_names=(r"dsa110-\d{6}[a-z]{2,8}",),
    figures=(
        Figure("Dispersion measure", ("dm",), "pc/cm³", error="dm_error"),
        Figure("Signal to noise", ("snr",)),
        Figure("Known source", ("known_source",)),
    ),
)
