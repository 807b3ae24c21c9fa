"""Messages that bring a real map: how long each takes to be the current localization.

Its credible levels are stored then: the areas, the contours, and the region in which targets are
candidates. Nobody's targets are matched: the tables hold none.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.bench.crossmatch import compare
from tests.bench.measure import least_processor_ms, median_ms
from tests.bench.real import real_folder
from tom import intake
from tom.events.models import NonLocalizedEvent, Region
from tom.streams.services import store_message

MAPS: Final = {
    "rows_19200": "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "flat_nside_256": "S190425z_G330561_bayestar_nside256_nested.fits.gz",
    "flat_nside_1024": "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
}
START: Final = datetime(2026, 11, 20, 4, tzinfo=UTC)
PADDING: Final = 2880  # a block of a FITS file, which changes its hash and nothing else


def measure_localizations(*, times: int) -> dict[str, object]:
    """Work on messages with each of the maps, new to the database each time."""
    folder = real_folder()
    if folder is None:
        return {"real": False}
    found: dict[str, object] = {"real": True}
    for number, (name, file) in enumerate(MAPS.items()):
        scene = _Scene((folder / "gw/maps" / file).read_bytes(), f"S26112{number}aa")
        found[name] = {
            "processor_ms": least_processor_ms(scene.work, times=times),
            "ms": median_ms(scene.work, times=1),
        }
    return found


def compare_crossmatch(n: int) -> dict[str, object]:
    """Compare levels of n targets with ligo.skymap's, in processor time and in memory."""
    folder = real_folder()
    return compare(folder / "gw/maps" / MAPS["rows_19200"], n) if folder else {"real": False}


class _Scene:
    """Messages of one event, each with the map in other bytes."""

    def __init__(self, fits: bytes, event_id: str) -> None:
        self._fits, self._event_id, self._count = fits, event_id, 0

    def work(self) -> None:
        """Receive the next message, work on it, and see that its map is the current one."""
        self._count += 1
        time = START + timedelta(minutes=self._count)
        message, _ = store_message("igwn.gwalert", self._message(time))
        intake.work_message(message.pk)
        event = NonLocalizedEvent.objects.select_related("used").get(event_id=self._event_id)
        assert event.used is not None
        assert event.used.time == time
        assert Region.objects.filter(localization_id=event.used.localization_id).exists()

    def _message(self, time: datetime) -> bytes:
        # A byte after its end: neither FITS nor gzip ends there, and its hash is another.
        fits = self._fits + b"\0" * (PADDING * self._count)
        event = {
            "time": START.isoformat(), "far": 1e-9, "significant": True, "group": "CBC",
            "instruments": ["H1", "L1", "V1"], "pipeline": "gstlal", "search": "AllSky",
            "classification": {"BNS": 1.0}, "properties": {"HasNS": 1.0},
            "skymap": base64.b64encode(fits).decode(),
        }  # fmt: skip
        alert = {
            "alert_type": "UPDATE", "time_created": time.isoformat(), "event": event,
            "superevent_id": self._event_id, "urls": {}, "external_coinc": None,
        }  # fmt: skip
        return json.dumps(alert).encode()
