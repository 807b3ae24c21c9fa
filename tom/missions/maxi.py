"""MAXI's Gas Slit Camera: GCN's JSON notices of transients, and of outbursts of known sources.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/maxi/gsc.unknown.schema.json
and gsc.known.schema.json. An error is a circle, an ellipse, or the four corners of a box, for a
source that may have changed during the scan. To the stated error comes a systematic one of 0.1
degrees (90%), as its circulars have it: https://gcn.nasa.gov/circulars/33265.
The name of a known source is not one of an event: it has many outbursts.
"""

from typing import Final

from tom.forms.declared import Figure, Mission
from tom.forms.gcn_notices import Teller, gcn_form

_SYSTEMATIC_90_DEG: Final = 0.1
_SIGMAS_OF_90: Final = 2.146
_GSC: Final = Teller(
    sender="MAXI",
    folder="/notices/maxi/",
    ids=((r"[0-9]{6,16}", "MAXI-{0}"),),
    instrument="GSC",
    systematic=((1.0, _SYSTEMATIC_90_DEG / _SIGMAS_OF_90),),
)

MAXI: Final = Mission(
    name="MAXI",
    forms=(gcn_form(_GSC, name="gcn.maxi", topics=("gcn.notices.maxi.gsc*",)),),
    event_names=(r"maxi-\d{6,16}",),
    figures=(
        Figure("Name", ("event_name",)),
        Figure("X-ray flux", ("flux",), "erg/cm²/s", error="flux_error"),
        Figure("Band of the flux", ("flux_spectral_band",), "keV"),
    ),
)
