"""A source on the sky: its light, its neighbour in the catalogues, its past."""

from dataclasses import dataclass, replace

import numpy as np

from tom.demo.light import Light, absorption
from tom.sky.arrays import FloatArray

CATALOGUE_LIMIT = 22.5  # Pan-STARRS 1, r
GAIA_LIMIT = 20.5

GALAXY_COLOURS = np.array([0.65, 0.0, -0.33, -0.55])  # g, r, i, z less r
DWARF_COLOURS = np.array([1.45, 0.0, -1.3, -1.9])


@dataclass(frozen=True, eq=False)
class Neighbour:
    """The nearest catalogued star or galaxy: AB magnitudes in g, r, i and z, shape (4,).

    `star_score` runs from 0 (galaxy) to 1 (star), 0.5 not known. `gaia_arcsec` is the distance
    of the nearest star of Gaia, `gaia_magnitude` its brightness.
    """

    separation_arcsec: float
    star_score: float
    magnitudes: FloatArray
    gaia_arcsec: float
    gaia_magnitude: float

    @property
    def is_here(self) -> bool:
        """Whether its light lies under the source's own."""
        return self.separation_arcsec < 1.5


@dataclass(frozen=True)
class Mover:
    """A moving object in the survey's ephemerides; its name is empty if they lack it."""

    name: str | None
    separation_arcsec: float
    magnitude: float


@dataclass(frozen=True)
class Past:
    """The survey's detections of a source before the simulated nights."""

    first_jd: float
    detections: int


@dataclass(frozen=True, eq=False)
class Source:
    """One thing on the sky. `light` is seen through the Milky Way's dust, degrees are ICRS."""

    kind: str
    ra: float
    dec: float
    light: Light
    neighbour: Neighbour
    fast: bool = False
    past: Past | None = None
    mover: Mover | None = None
    is_artefact: bool = False


def star_at_place(magnitudes: FloatArray, *, ebv: float, rng: np.random.Generator) -> Neighbour:
    """Catalogue the source itself as a star; if it is too faint, the nearest other source."""
    seen = _dimmed(magnitudes, ebv)
    if seen[1] > CATALOGUE_LIMIT:
        return unrelated(rng)
    return _catalogued(seen, separation=float(abs(rng.normal(0, 0.12)) + 0.02), star=True, rng=rng)


def nucleus_at_place(magnitudes: FloatArray, *, ebv: float, rng: np.random.Generator) -> Neighbour:
    """Catalogue the source as an active nucleus, which may look like a star or a galaxy."""
    seen = _dimmed(magnitudes, ebv)
    entry = _catalogued(seen, separation=float(abs(rng.normal(0, 0.15)) + 0.02), star=True, rng=rng)
    return replace(entry, star_score=float(rng.beta(1.1, 0.9)))


def host_galaxy(
    *,
    absolute_magnitude: float,
    distance_mpc: float,
    offset_kpc: float,
    ebv: float,
    rng: np.random.Generator,
) -> Neighbour:
    """Catalogue a host; if it is too faint or too far away, a nearer source."""
    modulus = 5 * np.log10(distance_mpc) + 25
    seen = _dimmed(absolute_magnitude + modulus + GALAXY_COLOURS + rng.normal(0, 0.08, 4), ebv)
    separation = offset_kpc / (distance_mpc * 1000) * 206265
    other = unrelated(rng)
    if seen[1] > CATALOGUE_LIMIT or separation > other.separation_arcsec:
        return other
    return _catalogued(seen, separation=separation, star=False, rng=rng)


def unrelated(rng: np.random.Generator) -> Neighbour:
    """Catalogue a chance neighbour, a faint star or galaxy some arcseconds off."""
    separation = float(np.clip(6.5 * np.sqrt(-np.log(rng.uniform())), 0.3, 29))
    star = bool(rng.uniform() < 0.5)
    colours = DWARF_COLOURS * 0.6 if star else GALAXY_COLOURS
    r = CATALOGUE_LIMIT - rng.exponential(1.3)
    return _catalogued(r + colours, separation=separation, star=star, rng=rng)


def bright_star(rng: np.random.Generator) -> Neighbour:
    """Catalogue a bright star close by, whose subtraction leaves a mark."""
    r = rng.uniform(12, 16)
    magnitudes = r + DWARF_COLOURS * rng.uniform(0.1, 0.6)
    return _catalogued(magnitudes, separation=float(rng.uniform(0.1, 3)), star=True, rng=rng)


def _catalogued(
    magnitudes: FloatArray, *, separation: float, star: bool, rng: np.random.Generator
) -> Neighbour:
    # Stars and galaxies are separated well to 20 mag, but badly at 22: Tachibana & Miller 2018,
    # doi 10.1088/1538-3873/aae3d9.
    blur = float(np.clip((magnitudes[1] - 18) / 4.5, 0.02, 1))
    score = rng.beta(1 + 0.5 / blur, 1) if star else rng.beta(1, 1 + 0.7 / blur)
    gaia = separation if star and magnitudes[1] < GAIA_LIMIT else float(rng.uniform(6, 60))
    own = star and magnitudes[1] < GAIA_LIMIT
    gaia_magnitude = float(magnitudes[1]) if own else GAIA_LIMIT - float(rng.exponential(2))
    return Neighbour(
        separation_arcsec=separation,
        star_score=float(score),
        magnitudes=np.asarray(magnitudes, dtype=float),
        gaia_arcsec=gaia,
        gaia_magnitude=gaia_magnitude,
    )


def _dimmed(magnitudes: FloatArray, ebv: float) -> FloatArray:
    """Dim g, r, i and z magnitudes by dust; z loses about 0.8 of what i does."""
    lost = absorption(ebv)
    return np.asarray(magnitudes + np.append(lost, 0.8 * lost[2]))
