"""CHIME/FRB: GCN's JSON notices of fast radio bursts.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/chime/frb.schema.json
A notice does not say when it was sent: it has the time of its burst, and the kinds of notice of
one burst stand in their order. A later burst of a source that repeats is an event of its own; the
source's name is kept beside it. No error is added to the ellipses: we found no published one.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_FRB: Final = Teller(
    sender="CHIME",
    folder="/notices/chime/",
    kind="frb",
    ids=((r"[0-9]{4,16}", "CHIME-{0}"),),
    instrument="CHIME/FRB",
)

CHIME: Final = Mission(
    name="CHIME",
    forms=(gcn_form(_FRB, name="gcn.chime.frb", topics=("gcn.notices.chime.*",)),),
    event_names=(r"chime-\d{6,16}",),
    figures=(
        Figure("Dispersion measure", ("dm",), "pc/cm³", error="dm_error"),
        Figure("Of it the Galaxy's, at most", ("dm_gal_ne_2001_max",), "pc/cm³"),
        Figure("Signal to noise", ("snr",)),
        Figure("Known source", ("known_source",)),
    ),
)
