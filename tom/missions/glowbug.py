"""Glowbug, a gamma-ray telescope on the Space Station: GCN's JSON notices of bursts.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/glowbug/Alert.schema.json
Its examples give no place. No error is added to a circle: we found no published one.
"""

from typing import Final

from tom.forms.declared import Mission
from tom.forms.gcn_notices import Teller, gcn_form

_BURST: Final = Teller(
    sender="Glowbug",
    folder="/notices/glowbug/",
    kind="grb",
    ids=((r"BUG[0-9]{6}\.[0-9]{1,3}", "{0}"),),
    instrument="Glowbug",
)

GLOWBUG: Final = Mission(
    name="Glowbug",
    forms=(gcn_form(_BURST, name="gcn.glowbug", topics=("gcn.notices.glowbug*",)),),
    event_names=(r"bug\d{6}\.\d{1,3}",),
)
