"""Light curves of explosions: a kilonova, supernovae, a star torn apart by a black hole.

Each is a table of absolute AB magnitudes in g, r and i against rest-frame days since the
explosion, read between its rows along the logarithm of time. Before the first row the flux
grows as time squared. K-corrections are left out, as everything here is near.
"""

from dataclasses import dataclass

import numpy as np

from tom.demo.light import Light, to_flux
from tom.sky.arrays import FloatArray, IntArray

HUBBLE_LENGTH_MPC = 299792.458 / 70.0


@dataclass(frozen=True, eq=False)
class Template:
    """A kind of explosion: days (n,), absolute magnitudes (3, n), and how much they differ.

    `scatter` is the sigma of the peak in magnitudes, `pace` that of the logarithm of the
    time scale, `host_ebv` the mean reddening in the host.
    """

    days: FloatArray
    magnitudes: FloatArray
    scatter: float
    pace: float
    host_ebv: float

    @property
    def peak(self) -> float:
        """Brightest absolute magnitude in r."""
        return float(self.magnitudes[1].min())


def _template(
    rows: list[tuple[float, float, float, float]], *, scatter: float, pace: float, host_ebv: float
) -> Template:
    table = np.array(rows)
    return Template(table[:, 0], table[:, 1:].T, scatter, pace, host_ebv)


# AT2017gfo, absolute and corrected for dust with 40.7 Mpc and E(B-V) 0.105, rounded to 0.05 mag:
# read off the compilation of Villar et al. 2017, doi 10.3847/2041-8213/aa9c84. There are no
# data before 0.45 d; the table starts there.
KILONOVA = _template(
    [
        (0.45, -16.00, -15.80, -15.80),
        (0.70, -15.95, -15.95, -15.95),
        (0.90, -15.80, -15.90, -15.85),
        (1.20, -15.35, -15.50, -15.60),
        (1.45, -14.90, -15.30, -15.40),
        (1.85, -14.15, -14.90, -15.10),
        (2.20, -13.55, -14.50, -14.95),
        (2.45, -13.25, -14.20, -14.70),
        (2.85, -12.95, -13.95, -14.55),
        (3.45, -12.30, -13.50, -14.20),
        (4.45, -11.80, -12.80, -13.75),
        (6.50, -11.20, -12.30, -13.10),
        (7.50, -10.30, -12.00, -12.70),
        (11.5, -9.30, -10.30, -10.70),
    ],
    scatter=0.0,
    pace=0.0,
    host_ebv=0.0,
)

# Typical shapes, ours, drawn by hand after: Ia, Ibc, II and IIn as in the ZTF Bright Transient
# Survey (Perley et al. 2020, doi 10.3847/1538-4357/abbd98), IIb after SN 2016gkg (Arcavi et
# al. 2017, doi 10.3847/2041-8213/aa5be1), SLSN after Lunnan et al. 2018 (doi
# 10.3847/1538-4357/aaabd0), TDE after van Velzen et al. 2021 (doi 10.3847/1538-4357/abc258).
TEMPLATES: dict[str, Template] = {
    "SN Ia": _template(
        [
            (2.0, -14.8, -14.7, -14.3),
            (4.0, -16.5, -16.4, -16.0),
            (7.0, -17.8, -17.7, -17.2),
            (10, -18.5, -18.45, -18.0),
            (14, -19.05, -19.0, -18.55),
            (17, -19.2, -19.2, -18.6),
            (20, -19.1, -19.2, -18.5),
            (25, -18.75, -18.95, -18.1),
            (32, -18.1, -18.6, -17.95),
            (40, -17.25, -18.4, -18.15),
            (50, -16.7, -17.75, -17.7),
            (70, -16.3, -17.0, -16.9),
            (110, -15.7, -16.0, -15.8),
        ],
        scatter=0.3,
        pace=0.08,
        host_ebv=0.06,
    ),
    "SN Ibc": _template(
        [
            (1.0, -12.8, -13.0, -12.9),
            (2.0, -14.0, -14.2, -14.0),
            (4.0, -15.3, -15.5, -15.3),
            (7.0, -16.3, -16.5, -16.3),
            (10, -16.9, -17.1, -16.9),
            (14, -17.25, -17.5, -17.35),
            (18, -17.2, -17.6, -17.5),
            (23, -16.8, -17.45, -17.4),
            (30, -15.9, -16.95, -17.1),
            (45, -15.1, -16.3, -16.5),
            (100, -14.0, -15.0, -15.4),
        ],
        scatter=0.7,
        pace=0.25,
        host_ebv=0.15,
    ),
    "SN IIb": _template(
        [
            (0.1, -15.0, -14.8, -14.6),
            (0.3, -16.1, -15.9, -15.7),
            (0.8, -16.6, -16.5, -16.3),
            (1.3, -16.4, -16.4, -16.25),
            (2.0, -15.9, -16.1, -16.0),
            (3.0, -15.5, -15.95, -15.9),
            (4.0, -15.5, -16.0, -15.95),
            (6.0, -15.9, -16.3, -16.2),
            (9.0, -16.5, -16.8, -16.65),
            (13, -16.95, -17.2, -17.05),
            (19, -17.0, -17.35, -17.25),
            (25, -16.5, -17.1, -17.1),
            (32, -15.9, -16.6, -16.75),
            (60, -14.6, -15.7, -15.9),
            (100, -14.0, -15.0, -15.2),
        ],
        scatter=0.5,
        pace=0.15,
        host_ebv=0.1,
    ),
    "SN II": _template(
        [
            (0.2, -13.3, -13.0, -12.8),
            (0.5, -14.7, -14.3, -14.1),
            (1.0, -15.6, -15.3, -15.1),
            (2.0, -16.4, -16.1, -15.9),
            (4.0, -17.05, -16.7, -16.5),
            (7.0, -17.3, -17.05, -16.9),
            (12, -17.2, -17.2, -17.1),
            (20, -16.9, -17.15, -17.1),
            (35, -16.45, -17.05, -17.1),
            (60, -16.05, -16.95, -17.05),
            (90, -15.7, -16.75, -16.9),
            (105, -14.7, -15.9, -16.2),
            (200, -12.8, -14.0, -14.5),
        ],
        scatter=0.8,
        pace=0.2,
        host_ebv=0.1,
    ),
    "SN IIn": _template(
        [
            (0.5, -14.7, -14.5, -14.3),
            (2.0, -16.3, -16.1, -15.9),
            (5.0, -17.5, -17.3, -17.1),
            (10, -18.2, -18.0, -17.8),
            (18, -18.6, -18.5, -18.3),
            (27, -18.7, -18.7, -18.5),
            (45, -18.4, -18.55, -18.45),
            (70, -17.9, -18.3, -18.25),
            (120, -17.0, -17.7, -17.7),
        ],
        scatter=0.8,
        pace=0.3,
        host_ebv=0.08,
    ),
    "SLSN": _template(
        [
            (1.0, -16.8, -16.6, -16.3),
            (5.0, -18.6, -18.4, -18.1),
            (10, -19.6, -19.4, -19.1),
            (20, -20.6, -20.4, -20.1),
            (30, -21.1, -20.9, -20.7),
            (42, -21.3, -21.15, -21.0),
            (58, -21.0, -21.05, -20.95),
            (80, -20.3, -20.6, -20.65),
            (120, -19.2, -19.8, -20.0),
        ],
        scatter=0.5,
        pace=0.25,
        host_ebv=0.05,
    ),
    "TDE": _template(
        [
            (2.0, -16.1, -15.9, -15.7),
            (6.0, -17.5, -17.3, -17.1),
            (12, -18.5, -18.3, -18.1),
            (20, -19.25, -19.05, -18.85),
            (28, -19.6, -19.4, -19.2),
            (40, -19.4, -19.2, -19.0),
            (60, -19.0, -18.8, -18.6),
            (90, -18.5, -18.3, -18.1),
            (150, -17.7, -17.5, -17.3),
        ],
        scatter=0.6,
        pace=0.25,
        host_ebv=0.03,
    ),
}


def explosion_light(
    template: Template,
    *,
    start_jd: float,
    distance_mpc: float,
    brighter: float = 0.0,
    pace: float = 1.0,
) -> Light:
    """Make the light of an explosion seen from a distance.

    Parameters
    ----------
    template
        Which kind.
    start_jd
        UTC Julian date of the explosion as seen here.
    distance_mpc
        Luminosity distance in Mpc.
    brighter
        Magnitudes by which this explosion is brighter than its kind.
    pace
        Factor by which this explosion is slower than its kind, without time dilation.
    """
    modulus = 5 * np.log10(distance_mpc) + 25
    stretch = pace * (1 + redshift_at(distance_mpc))
    log_days = np.log(template.days)

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        days = (np.asarray(jd) - start_jd) / stretch
        log_age = np.log(np.maximum(days, 1e-6))
        magnitude = np.empty(len(days))
        for band in (1, 2, 3):
            of_band = fid == band
            magnitude[of_band] = _read(log_age[of_band], log_days, template.magnitudes[band - 1])
        return np.where(days > 0, to_flux(magnitude + modulus - brighter), 0.0)

    return light


def redshift_at(distance_mpc: float) -> float:
    """Return the redshift of a luminosity distance, to second order (H0 70, q0 -0.55)."""
    x = distance_mpc / HUBBLE_LENGTH_MPC
    return float((np.sqrt(1 + 4 * 0.775 * x) - 1) / (2 * 0.775))


def _read(log_age: FloatArray, log_days: FloatArray, magnitude: FloatArray) -> FloatArray:
    inside = np.interp(log_age, log_days, magnitude)
    before = np.maximum(log_days[0] - log_age, 0) * (5 / np.log(10))  # flux as time squared
    slope = (magnitude[-1] - magnitude[-2]) / (log_days[-1] - log_days[-2])
    after = np.maximum(log_age - log_days[-1], 0) * slope
    return np.asarray(inside + before + after)
