"""KM3NeT: GCN's JSON notices of neutrinos, single ones and multiplets.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/km3net/alert.schema.json
The circle is of the most probable place, of a multiplet of all its neutrinos together. No error is
added to it: we found no published one.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_ALERT: Final = Teller(
    sender="KM3NeT",
    folder="/notices/km3net/",
    kind="neutrino",
    ids=((r"[A-Za-z0-9_.-]{1,40}", "KM3NeT-{0}"),),
    own_names_first=True,
)

KM3NET: Final = Mission(
    name="KM3NeT",
    forms=(gcn_form(_ALERT, name="gcn.km3net", topics=("gcn.notices.km3net*",)),),
    figures=(
        Figure(
            "Energy of the first neutrino",
            ("event_details__0__energy_measured",),
            "TeV",
            scale=1e-3,
        ),
        Figure("Topology", ("alert_topology",)),
        Figure("Neutrinos", ("number_of_events",)),
    ),
)
