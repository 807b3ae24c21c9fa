"""Light curves of variables: active nuclei, pulsating and eclipsing stars, outbursts, flares."""

import numpy as np

from tom.demo.light import Light, to_flux
from tom.sky.arrays import FloatArray, IntArray


def nucleus_light(
    magnitudes: FloatArray,
    *,
    tau_days: float,
    amplitude: float,
    span: tuple[float, float],
    rng: np.random.Generator,
) -> Light:
    """Make an active nucleus: a damped random walk in magnitude, against its reference image.

    Parameters
    ----------
    magnitudes
        Mean AB magnitudes in g, r and i, shape (3,).
    tau_days, amplitude
        Damping time in days and the long-term sigma in magnitudes in g; the walk is one in
        all bands, smaller toward the red. MacLeod et al. 2010,
        doi 10.1088/0004-637X/721/2/1014.
    span
        First and last UTC Julian date that will be asked for.
    """
    times = np.arange(span[0], span[1] + 1, 0.5)
    walk = np.empty(len(times))
    walk[0] = rng.normal()
    keep = np.exp(-0.5 / tau_days)
    for step, kick in enumerate(rng.normal(size=len(times) - 1), start=1):
        walk[step] = keep * walk[step - 1] + np.sqrt(1 - keep**2) * kick
    reference = 0.6 * rng.normal()  # a reference image is a mean over some months
    strength = amplitude * np.array([1.0, 0.85, 0.75])

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        mean = magnitudes[fid - 1]
        now = mean + strength[fid - 1] * np.interp(jd, times, walk)
        return to_flux(now) - to_flux(mean + strength[fid - 1] * reference)

    return light


def pulsator_light(
    magnitudes: FloatArray, *, period_days: float, amplitude: float, phase: float
) -> Light:
    """Make an RR Lyrae star: a sawtooth, `amplitude` magnitudes deep in g, against its mean."""
    strength = amplitude * np.array([1.0, 0.72, 0.57])
    turns = np.linspace(0, 1, 200, endpoint=False)
    mean = np.array(
        [
            to_flux(m + a * _sawtooth(turns)).mean()
            for m, a in zip(magnitudes, strength, strict=True)
        ]
    )

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        turn = (np.asarray(jd) / period_days + phase) % 1.0
        now = to_flux(magnitudes[fid - 1] + strength[fid - 1] * _sawtooth(turn))
        return np.asarray(now - mean[fid - 1])

    return light


def eclipsing_light(
    magnitudes: FloatArray, *, period_days: float, depth: float, width: float, phase: float
) -> Light:
    """Make an eclipsing binary: two dips a turn, the second half as deep, width in turns."""
    full = to_flux(magnitudes)
    share = 1 - 10 ** (-0.4 * depth)
    mean_loss = share * 1.5 * width * np.sqrt(2 * np.pi)

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        turn = (np.asarray(jd) / period_days + phase) % 1.0
        first = np.exp(-0.5 * (np.minimum(turn, 1 - turn) / width) ** 2)
        second = np.exp(-0.5 * ((turn - 0.5) / width) ** 2)
        return np.asarray(full[fid - 1] * (mean_loss - share * (first + 0.5 * second)))

    return light


def outburst_light(
    peak_magnitudes: FloatArray,
    *,
    start_jd: float,
    rise_days: float,
    plateau_days: float,
    decline_mag_per_day: float,
) -> Light:
    """Make a dwarf nova's outburst: a rise of 5 magnitudes, a sloping top, a steady decline.

    Peak AB magnitudes in g, r and i, shape (3,). Warner 1995, Cataclysmic Variable Stars, ch. 3.
    """

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        age = np.asarray(jd) - start_jd
        end = rise_days + plateau_days
        fading = 0.08 * np.clip(age - rise_days, 0, plateau_days)
        fading = fading + decline_mag_per_day * np.maximum(age - end, 0)
        rising = 5 * np.maximum(1 - np.maximum(age, 0) / rise_days, 0)
        return np.where(age > 0, to_flux(peak_magnitudes[fid - 1] + fading + rising), 0.0)

    return light


def flare_light(peak_magnitudes: FloatArray, *, peak_jd: float, half_width_days: float) -> Light:
    """Make a flare of an M dwarf: Davenport et al. 2014, doi 10.1088/0004-637X/797/2/122.

    Peak AB magnitudes of the flare alone in g, r and i, shape (3,); `half_width_days` is the
    full width of the flare at half its height.
    """

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        t = (np.asarray(jd) - peak_jd) / half_width_days
        early = np.clip(t, -1, 0)
        rise = 1 + 1.941 * early - 0.175 * early**2 - 2.246 * early**3 - 1.125 * early**4
        late = np.maximum(t, 0)
        decay = 0.6890 * np.exp(-1.600 * late) + 0.3030 * np.exp(-0.2783 * late)
        shape = np.where(t < -1, 0.0, np.where(t < 0, rise, decay))
        return np.asarray(to_flux(peak_magnitudes[fid - 1]) * np.maximum(shape, 0))

    return light


def moment_light(
    magnitudes: FloatArray, *, moments: FloatArray, seconds: float, sign: float = 1.0
) -> Light:
    """Make a light at some moments only: a passing asteroid, an artefact of subtraction.

    AB magnitudes in g, r and i, shape (3,); the light shines within `seconds` of a moment.
    """

    def light(jd: FloatArray, fid: IntArray) -> FloatArray:
        near = np.abs(np.asarray(jd)[:, None] - moments[None, :]).min(axis=1) < seconds / 86400
        return np.where(near, sign * to_flux(magnitudes[fid - 1]), 0.0)

    return light


def _sawtooth(turn: FloatArray) -> FloatArray:
    """Return a pulsation of full range 1: up in a fifth of the turn, down in the rest."""
    rise = 0.2
    return np.asarray(np.where(turn < rise, 0.5 - turn / rise, (turn - rise) / (1 - rise) - 0.5))
