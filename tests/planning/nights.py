"""Made maps, telescopes and nights for the tests of plans."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from tom.planning.telescope import Telescope
from tom.sky import Site, SkyMap, build_skymap, cone_localization

TOLOLO = Site("Cerro Tololo", -30.1691, -70.8062, 2241.0)
START = datetime(2019, 8, 15, 4, tzinfo=UTC)
END = datetime(2019, 8, 15, 10, tzinfo=UTC)
# High in that night; the full Moon stood some 30 degrees away.
PLACE = (12.5, -25.0)


def make_telescope(**figures: Any) -> Telescope:
    """A wide camera at Cerro Tololo."""
    usual: dict[str, Any] = {
        "name": "Wide",
        "site": TOLOLO,
        "shape": {"kind": "rectangle", "width_deg": 2.0, "height_deg": 2.0},
        "exposure_s": 60.0,
        "overhead_s": 20.0,
        "slew_deg_s": 1.0,
        "settle_s": 5.0,
        "depth": 22.0,
        "band": "r",
        "instrument": "WIDE",
    }
    return Telescope(**(usual | figures))


def make_map(*, radius_deg: float = 4.0, place: tuple[float, float] = PLACE) -> SkyMap:
    """A round map around a place that is up."""
    return cone_localization(ra=place[0], dec=place[1], radius_deg=radius_deg)


def make_flat_map(level: int = 0, *, distance_mpc: float | None = None) -> SkyMap:
    """Every place as likely; with a distance, 10% wide."""
    n = 12 * 4**level
    distance = None
    if distance_mpc is not None:
        mu, sigma = np.full(n, distance_mpc), np.full(n, distance_mpc / 10)
        distance = mu, sigma, 1 / (mu**2 + sigma**2)
    return build_skymap(
        level=np.full(n, level), ipix=np.arange(n), probdensity=np.ones(n), distance=distance
    )
