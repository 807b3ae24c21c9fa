"""BurstCube: GCN's JSON notices of gamma-ray bursts.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/burstcube/alert.schema.json
No error is added to the circles: we found no published one.
"""

from typing import Final

from tom.forms.declared import Mission
from tom.forms.gcn_notices import Teller, gcn_form

_BURST: Final = Teller(
    sender="BurstCube",
    folder="/notices/burstcube/",
    kind="grb",
    ids=((r"[0-9]{9}", "BurstCube-{0}"),),
    instrument="BurstCube",
)

BURSTCUBE: Final = Mission(
    name="BurstCube",
    forms=(gcn_form(_BURST, name="gcn.burstcube", topics=("gcn.notices.burstcube*",)),),
    event_names=(r"burstcube-\d{9}",),
)
