"""The few numbers of a sky map that people quote."""

import math
from dataclasses import asdict, dataclass

from tom.sky.distance import distance_moments, distance_pdf, distance_pdf_at
from tom.sky.healpix import healpix29
from tom.sky.levels import credible_area, levels_2d, probdensity_at, searched_area
from tom.sky.skymap import SkyMap, most_probable
from tom.sky.volume import levels_3d


@dataclass(frozen=True)
class SkyMapSummary:
    """Areas in deg2, distances in Mpc (NaN: the map has none), maximum in ICRS degrees."""

    area_50: float
    area_90: float
    distance_mean: float
    distance_std: float
    max_ra: float
    max_dec: float


def summarize(skymap: SkyMap) -> SkyMapSummary:
    """Summarize a sky map; if it states no distance, the distance is computed from its rows."""
    ra, dec = most_probable(skymap)
    mean, std = skymap.distance_mean, skymap.distance_std
    if math.isnan(mean):
        mean, std = distance_moments(skymap)
    return SkyMapSummary(
        area_50=credible_area(skymap, 0.5),
        area_90=credible_area(skymap, 0.9),
        distance_mean=mean,
        distance_std=std,
        max_ra=ra,
        max_dec=dec,
    )


def describe(
    skymap: SkyMap,
    *,
    ra: float | None = None,
    dec: float | None = None,
    distance: float | None = None,
) -> dict[str, float | None]:
    """Describe a sky map, and a position in it, ready for JSON; None: not known.

    Parameters
    ----------
    ra, dec
        ICRS degrees, both or none: adds `credible_level_2d, credible_level_3d, probdensity` (1/sr)
        and `searched_area` (deg2).
    distance
        Mpc; without it the 3D level is None. With a position, it adds the density of distance
        there in that direction and over the whole map, `distance_pdf_here, distance_pdf` (1/Mpc).

    Raises
    ------
    ValueError
        If only one of `ra` and `dec` is given, or they are not a direction.
    """
    described: dict[str, float] = asdict(summarize(skymap))
    if (ra is None) != (dec is None):
        message = "a position needs both ra and dec"
        raise ValueError(message)
    if ra is not None and dec is not None:
        here = healpix29([ra], [dec])
        distance_mpc = float("nan") if distance is None else distance
        described["credible_level_2d"] = float(levels_2d(skymap, here)[0])
        described["credible_level_3d"] = float(levels_3d(skymap, here, [distance_mpc])[0])
        described["probdensity"] = float(probdensity_at(skymap, here)[0])
        described["searched_area"] = float(searched_area(skymap, here)[0])
        if distance is not None:
            described["distance_pdf_here"] = float(distance_pdf_at(skymap, here, distance)[0])
            described["distance_pdf"] = float(distance_pdf(skymap, distance)[0])
    return {key: value if math.isfinite(value) else None for key, value in described.items()}
