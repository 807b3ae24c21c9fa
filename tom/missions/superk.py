"""Super-Kamiokande: GCN's JSON notices of bursts of neutrinos from supernovae in the Galaxy.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/superk/sn_alert.schema.json
The circle is for a supernova within our Galaxy; the distance is told in the message's values. No
error is added to it: we found no published one.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_SUPERNOVA: Final = Teller(
    sender="Super-Kamiokande",
    folder="/notices/superk/",
    kind="neutrino",
    ids=((r"[A-Za-z0-9_.-]{1,40}", "SK-{0}"),),
)

SUPERK: Final = Mission(
    name="Super-Kamiokande",
    forms=(gcn_form(_SUPERNOVA, name="gcn.superk", topics=("gcn.notices.superk.*",)),),
    event_names=(r"sk-sn\.\d{6}\.\d{6}",),
    figures=(
        Figure(
            "Distance of the supernova",
            ("luminosity_distance",),
            "kpc",
            error="luminosity_distance_error",
            scale=1e3,
        ),
        Figure("Neutrinos", ("n_events",)),
    ),
)
