"""How many sources of each kind a hard night holds, by published rates.

A rate counts what happens, not what is found: what a survey sees of it follows from its exposures.
A source that says "assumed" is our own estimate, for want of a published number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import numpy as np

from tom.demo.explosions import TEMPLATES, redshift_at
from tom.demo.spots import Group
from tom.sky.arrays import FloatArray

DAYS_AFTER: Final = 6.0  # explosions later than this after the merger are not seen any more
SKY_DEG2: Final = 41252.96
YEAR_DAYS: Final = 365.25
# No explosion farther away is drawn; what is brighter there is left out.
FARTHEST_MPC: Final = 2500.0
FAINTEST: Final = 22.3  # no exposure of a night is deeper
BRIGHTEST_SIGMA: Final = 2.0
# Days for which an explosion is bright enough to be seen; the others 110.
VISIBLE_DAYS: Final = {"SLSN": 150.0, "TDE": 200.0, "SN IIn": 150.0}


class Per(StrEnum):
    """What a rate is counted for."""

    VOLUME = "Gpc3 year"  # comoving, rest-frame year
    AREA = "deg2"
    VISIT = "deg2 exposure"  # after the merger


@dataclass(frozen=True)
class Rate:
    """How often a kind occurs. `group` says how its builder makes it: new after the merger or not.

    `ecliptic_deg`: the rate is that on the ecliptic, and falls by a factor e in so many degrees
    from it; None: it is the same everywhere.
    """

    kind: str
    group: Group
    value: float
    per: Per
    source: str
    ecliptic_deg: float | None = None

    def most(self, area_deg2: float, visits: float) -> float:
        """Return the mean number in an area with so many exposures of each place."""
        if self.per is Per.VOLUME:
            volume, days = volume_per_deg2(self.kind), window_days(self.kind)
            return self.value * volume / 1e9 * days / YEAR_DAYS * area_deg2
        return self.value * area_deg2 * (visits if self.per is Per.VISIT else 1.0)


PERLEY = "Perley et al. 2020, arXiv:2009.01242"
FROHMAIER = "Frohmaier et al. 2021, arXiv:2010.15270"
SMITH = "shares by Smith et al. 2011, arXiv:1006.3899"

RATES: Final[Sequence[Rate]] = (
    Rate("SN Ia", Group.ELSEWHERE, 2.35e4, Per.VOLUME, PERLEY),
    Rate("SN Ibc", Group.ELSEWHERE, 1.71e4, Per.VOLUME, f"{FROHMAIER}; {SMITH}"),
    Rate("SN IIb", Group.ELSEWHERE, 0.70e4, Per.VOLUME, f"{FROHMAIER}; {SMITH}"),
    Rate("SN II", Group.ELSEWHERE, 5.76e4, Per.VOLUME, f"{FROHMAIER}; {SMITH}"),
    Rate("SN IIn", Group.ELSEWHERE, 0.93e4, Per.VOLUME, f"{FROHMAIER}; {SMITH}"),
    Rate("SLSN", Group.ELSEWHERE, 35.0, Per.VOLUME, f"{FROHMAIER} (hydrogen-poor)"),
    Rate("TDE", Group.ELSEWHERE, 310.0, Per.VOLUME, "Yao et al. 2023, arXiv:2303.06523"),
    Rate(
        "flare", Group.NEW, 0.275, Per.VISIT,
        "Kowalski et al. 2009, arXiv:0906.2030: 1.3 an hour and deg2 to 22 mag in u; here to 20.8"
        " by counts that grow as 10^(0.4 m) (assumed), and those that an exposure meets",
    ),
    Rate(
        "CV", Group.NEW, 0.009, Per.AREA,
        "Pala et al. 2020, arXiv:1907.13152: 4.8e-6 a pc3; one outburst in 100 days, seen at 45"
        " degrees of latitude (assumed): 0.66 a year and deg2",
    ),
    Rate("CV", Group.ELSEWHERE, 0.07, Per.AREA, "the same, begun up to 35 days before"),
    Rate("AGN", Group.NEW, 0.02, Per.AREA, "assumed: flares of quiet nuclei"),
    Rate("AGN", Group.ELSEWHERE, 3.0, Per.AREA, "assumed: nuclei that vary, to 20.2 mag"),
    Rate(
        "RR Lyrae", Group.ELSEWHERE, 1.5, Per.AREA,
        "Sesar et al. 2017, arXiv:1611.08596: some 45,000 in three quarters of the sky",
    ),
    Rate("eclipsing binary", Group.ELSEWHERE, 3.0, Per.AREA, "assumed: outside the Milky Way"),
    Rate("eclipsing binary", Group.NEW, 0.3, Per.AREA, "assumed: of long period, seen anew"),
    Rate(
        "asteroid", Group.NEW, 5.3, Per.VISIT,
        "Gladman et al. 2009 (doi 10.1016/j.icarus.2009.02.012): 210 a deg2 to 23 mag, slope 0.27:"
        " 53 to 20.8; brokers pass a tenth of them on (assumed)",
        ecliptic_deg=8.0,
    ),
    Rate("bogus", Group.NEW, 0.5, Per.VISIT, "assumed: artefacts that brokers pass on"),
)  # fmt: skip


def window_days(kind: str) -> float:
    """Return the span of the times of explosion: from the oldest still seen to the last."""
    return VISIBLE_DAYS.get(kind, 110.0) + DAYS_AFTER


def reach_mpc(kind: str) -> float:
    """Return the luminosity distance to which a bright one of its kind can be seen."""
    template = TEMPLATES[kind]
    brightest = template.peak - BRIGHTEST_SIGMA * template.scatter
    return float(min(10 ** ((FAINTEST - brightest - 25) / 5), FARTHEST_MPC))


def volume_per_deg2(kind: str) -> float:
    """Return the comoving volume within a kind's reach, Mpc3 per deg2, with time dilation."""
    return float(_shells(reach_mpc(kind))[1][-1] / SKY_DEG2)


def draw_distances(kind: str, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw luminosity distances in Mpc, shape (n,): even in comoving volume and its own time."""
    distance, volume = _shells(reach_mpc(kind))
    return np.asarray(np.interp(rng.uniform(0, volume[-1], n), volume, distance))


@cache
def _shells(reach: float) -> tuple[FloatArray, FloatArray]:
    """Return luminosity distances and the volume within each, over the sky, in Mpc and Mpc3."""
    distance = np.linspace(0.1, reach, 2000)
    stretch = 1 + np.array([redshift_at(each) for each in distance])
    comoving = distance / stretch
    shells = np.diff(4 * np.pi / 3 * comoving**3, prepend=0.0)
    # As many years pass there as here divided by 1 + z.
    return distance, np.cumsum(np.maximum(shells, 0) / stretch)


def thinned(rate: Rate, latitude_deg: FloatArray, share: FloatArray) -> FloatArray:
    """Return the chance to keep each place's draw, shape (n,).

    Parameters
    ----------
    latitude_deg
        From the ecliptic, degrees, shape (n,).
    share
        Exposures of the place over the most of any place, 0 to 1, shape (n,).
    """
    kept = share if rate.per is Per.VISIT else np.ones(len(share))
    if rate.ecliptic_deg is None:
        return kept
    return np.asarray(kept * np.exp(-np.abs(latitude_deg) / rate.ecliptic_deg))
