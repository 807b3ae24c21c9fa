"""Einstein Probe's wide-field X-ray telescope: GCN's JSON notices of its on-board triggers.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/einstein_probe/wxt/alert.schema.json
These notices alone are public. What the mission's own service tells is for those who have a log-in
there: whatever comes on its topics is private, and nothing reads it.

No error is added to the circles: their notices state none apart, and we found no published one.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_WXT: Final = Teller(
    sender="Einstein Probe",
    folder="/notices/einstein_probe/wxt/",
    ids=((r"[0-9]{6,16}", "EP-WXT-{0}"),),
    instrument="WXT",
)

EINSTEIN_PROBE: Final = Mission(
    name="Einstein Probe",
    forms=(
        gcn_form(_WXT, name="gcn.einstein_probe.wxt", topics=("gcn.notices.einstein_probe.wxt*",)),
    ),
    event_names=(r"ep-wxt-\d{6,16}",),
    private_topics=(r"(?:einstein[._-]?probe|ep)[._-].*",),
    figures=(
        Figure("Signal to noise of the image", ("image_snr",)),
        Figure("Net count rate", ("net_count_rate",), "counts/s"),
    ),
)
