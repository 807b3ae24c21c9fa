"""Spectra from simple physics: a black body with P Cygni lines, emission lines, a galaxy.

None is of the real sky. Each object draws its own temperature, velocities and strengths around
those of its type; rest wavelengths are the laboratory's, in Angstrom.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from tom.scoring.contract import FloatArray

KM_S: Final = 299_792.458
REST: Final = np.arange(1500.0, 11_000.0, 2.0)
"""The rest wavelengths at which an object is made."""
OBSERVED: Final = np.arange(3600.0, 9300.0, 2.0)
"""The pixels of the simulated spectrograph."""

Lines = Sequence[tuple[float, float]]
BALMER: Final = (6563.0, 4861.0, 4340.0, 4102.0)
HELIUM: Final = (5876.0, 6678.0, 7065.0, 4471.0)
IRON: Final = ((4924.0, 0.25), (5018.0, 0.35), (5169.0, 0.45))
CALCIUM: Final = ((3945.0, 0.6), (8579.0, 0.6))
# Each type's lines with their depths, in units of the continuum.
SHELLS: Final[Mapping[str, tuple[Lines, tuple[float, float], tuple[float, float]]]] = {
    # lines; velocity (km/s) from, to; temperature (K) from, to
    "supernova Ia": (
        (
            *CALCIUM, (4131.0, 0.2), (4481.0, 0.4), *IRON, (5454.0, 0.25), (5640.0, 0.3),
            (5972.0, 0.15), (6355.0, 0.55), (7774.0, 0.25),
        ),
        (9_500.0, 13_000.0), (9_000.0, 13_000.0),
    ),
    "supernova II": (
        (
            (6563.0, 0.45), (4861.0, 0.5), (4340.0, 0.4), (4102.0, 0.3), *IRON, *CALCIUM,
            (5893.0, 0.3),
        ),
        (4_500.0, 9_000.0), (5_500.0, 11_000.0),
    ),
    "supernova Ib/c": (
        ((5876.0, 0.5), (6678.0, 0.3), (7065.0, 0.35), (4471.0, 0.2), *IRON, *CALCIUM),
        (8_000.0, 12_000.0), (5_000.0, 9_000.0),
    ),
    "supernova Ic": (
        (*IRON, *CALCIUM, (6355.0, 0.15), (7774.0, 0.5), (5893.0, 0.3), (4481.0, 0.35)),
        (8_000.0, 14_000.0), (5_000.0, 9_000.0),
    ),
}  # fmt: skip
KINDS: Final = (
    *("supernova Ia", "supernova II", "supernova Ib/c", "supernova Ic", "supernova IIn"),
    *("galaxy", "agn", "cataclysmic variable"),
)
"""The types that have templates. `supernova Ic` counts to `supernova Ib/c`."""
STRANGE: Final = ("noise", "featureless", "other lines")
"""What has no template: noise alone, a smooth continuum, a shell with lines of nothing known."""


def make(kind: str, rng: np.random.Generator) -> FloatArray:
    """Return the flux of one object of a type at `REST`, per Angstrom; its mean is 1."""
    flux = _MAKERS[kind](rng)
    return np.asarray(flux / flux.mean())


def observe(
    rest: FloatArray, redshift: float, rng: np.random.Generator, *, noise: float, host: float = 0.0
) -> FloatArray:
    """Return the flux at `OBSERVED`, shape (k,), as a spectrograph would tell it.

    Parameters
    ----------
    rest
        What `make` returned.
    redshift
        The object's, and that of its host.
    rng
        Draws the noise, and the host.
    noise
        Standard deviation in each pixel of 2 Angstrom, in units of the median flux.
    host
        The share of a galaxy in all light.
    """
    at = OBSERVED / (1 + redshift)
    seen = np.interp(at, REST, rest)
    seen /= np.median(seen)
    if host:
        galaxy = np.interp(at, REST, make("galaxy", rng))
        seen = (1 - host) * seen + host * galaxy / np.median(galaxy)
    return np.asarray(seen + rng.normal(0, noise, len(seen)))


def _shell(kind: str) -> Callable[[np.random.Generator], FloatArray]:
    lines, velocities, temperatures = SHELLS[kind]

    def made(rng: np.random.Generator) -> FloatArray:
        return _p_cygni(lines, rng.uniform(*velocities), rng.uniform(*temperatures), rng)

    return made


def _p_cygni(
    lines: Lines, velocity: float, temperature: float, rng: np.random.Generator
) -> FloatArray:
    """Return a black body with a blueshifted absorption and an emission at each line."""
    flux = _black_body(temperature)
    overall = rng.uniform(0.6, 1.3)
    for centre, depth in lines:
        depth = overall * depth * rng.lognormal(0, 0.3)
        width = centre * velocity / KM_S * rng.uniform(0.3, 0.45)
        trough = centre * (1 - velocity / KM_S * rng.uniform(0.9, 1.1))
        flux = flux * np.exp(-depth * _bell(trough, width))
        flux = flux * (1 + rng.uniform(0.3, 0.7) * depth * _bell(centre, 1.4 * width))
    return np.asarray(flux)


def _interacting(rng: np.random.Generator) -> FloatArray:
    """Return a hot black body with narrow and broad Balmer emission: a supernova IIn."""
    flux = _black_body(rng.uniform(9_000, 16_000))
    strength, speed = rng.uniform(0.6, 2.0), rng.uniform(500, 1500)
    for centre, share in zip((*BALMER, HELIUM[0]), (1.0, 0.6, 0.35, 0.2, 0.25), strict=True):
        narrow = _bell(centre, centre * speed / KM_S / 2.355)
        broad = _bell(centre, centre * rng.uniform(3000, 6000) / KM_S / 2.355)
        flux = flux * (1 + strength * share * (narrow + rng.uniform(0.2, 0.5) * broad))
    return np.asarray(flux)


def _galaxy(rng: np.random.Generator) -> FloatArray:
    """Return old stars with absorption lines and a break, and emission of gas."""
    young = rng.uniform(0, 1)
    flux = _black_body(4500 + 3500 * young)
    flux = flux * (1 - (0.45 - 0.3 * young) / (1 + np.exp((REST - 4000) / 25)))
    absorbed = ((3934, 0.5), (3969, 0.45), (4304, 0.25), (4861, 0.15), (5175, 0.3), (5893, 0.25))
    for centre, depth in absorbed:
        depth = depth * (1 - 0.5 * young) * rng.lognormal(0, 0.2)
        flux = flux * (1 - min(depth, 0.9) * _bell(centre, 8.0))
    gas = young * rng.lognormal(0, 0.4)
    ratio = rng.uniform(0.3, 1.5)
    emitted = (
        *((3728, 0.8), (4861, 0.5), (4959, 0.33 * ratio), (5007, ratio), (6563, 1.5)),
        *((6584, 0.5), (6717, 0.3), (6731, 0.25)),
    )
    for centre, height in emitted:
        flux = flux * (1 + gas * height * _bell(centre, 4.0))
    return np.asarray(flux)


def _agn(rng: np.random.Generator) -> FloatArray:
    """Return a power law with broad lines, and narrow ones of oxygen."""
    flux = (REST / 5000) ** rng.uniform(-2.0, -0.8)
    speed, strength = rng.uniform(2000, 7000), rng.uniform(0.4, 1.2)
    broad = ((1909, 0.7), (2798, 0.8), (4340, 0.35), (4861, 0.6), (6563, 1.6))
    for centre, height in broad:
        height = strength * height * rng.lognormal(0, 0.2)
        flux = flux * (1 + height * _bell(centre, centre * speed / KM_S / 2.355))
    narrow = strength * rng.uniform(0.2, 1.2)
    for centre, height in ((3728, 0.2), (4959, 0.33), (5007, 1.0)):
        flux = flux * (1 + narrow * height * _bell(centre, 5.0))
    return np.asarray(flux)


def _cataclysmic(rng: np.random.Generator) -> FloatArray:
    """Return a blue disk with emission of hydrogen and helium."""
    flux = (REST / 5000) ** rng.uniform(-3.0, -1.5)
    speed, strength = rng.uniform(700, 2000), rng.uniform(0.3, 2.0)
    heights = (1.0, 0.9, 0.8, 0.7, 0.3, 0.15, 0.15, 0.2, 0.25)
    for centre, height in zip((*BALMER, *HELIUM, 4686.0), heights, strict=True):
        height = strength * height * rng.lognormal(0, 0.2)
        flux = flux * (1 + height * _bell(centre, centre * speed / KM_S / 2.355))
    return np.asarray(flux)


def _other_lines(rng: np.random.Generator) -> FloatArray:
    lines = [(float(rng.uniform(2500, 9500)), 0.45) for _ in range(10)]
    return _p_cygni(lines, rng.uniform(5_000, 12_000), rng.uniform(6_000, 12_000), rng)


def _featureless(rng: np.random.Generator) -> FloatArray:
    if rng.uniform() < 0.5:
        return _black_body(rng.uniform(5_000, 20_000))
    return np.asarray((REST / 5000) ** rng.uniform(-3.0, 1.0))


def _black_body(kelvin: float) -> FloatArray:
    """Return Planck's law per wavelength, 1 at 5000 Angstrom."""
    hc_k = 1.438777e8  # Angstrom kelvin
    at = np.expm1(hc_k / (5000 * kelvin)) / np.expm1(hc_k / (REST * kelvin))
    return np.asarray(at * (5000 / REST) ** 5)


def _bell(centre: float, width: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * ((REST - centre) / width) ** 2))


_MAKERS: Final[Mapping[str, Callable[[np.random.Generator], FloatArray]]] = {
    **{kind: _shell(kind) for kind in SHELLS},
    "supernova IIn": _interacting,
    "galaxy": _galaxy,
    "agn": _agn,
    "cataclysmic variable": _cataclysmic,
    "other lines": _other_lines,
    "featureless": _featureless,
}
