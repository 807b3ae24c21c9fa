"""SVOM: GCN's JSON notices of the triggers of ECLAIRs and GRM.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/svom/trigger.schema.json
What they mean: https://fsc.svom.org/readthedocs/svom/notices_and_circulars/n1_notices.html
GRM sends an error of -1 where it has none: no map is made then. No error is added to the circles
of ECLAIRs: the ten arc minutes of https://gcn.nasa.gov/circulars/37208 were those of its first
weeks, and we found no later published number.
"""

from typing import Final

from tom.forms.declared import Mission
from tom.forms.gcn_notices import Teller, gcn_form

_TRIGGER: Final = Teller(
    sender="SVOM",
    folder="/notices/svom/",
    kind="grb",
    ids=((r"sb[0-9]{8}", "{0}"),),
    instrument="SVOM",
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
    ),
)
