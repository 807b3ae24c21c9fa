import numpy as np
import pytest

from tom.demo.light import to_flux, to_magnitude
from tom.demo.variables import (
    eclipsing_light,
    flare_light,
    moment_light,
    nucleus_light,
    outburst_light,
    pulsator_light,
)

START = 2461000.0
R = np.array([19.2, 19.0, 18.9])


def curve(light, days, fid=2):
    days = np.asarray(days, dtype=float)
    return light(START + days, np.full(len(days), fid))


def test_a_pulsator_swings_about_its_mean_with_its_period():
    light = pulsator_light(R, period_days=0.5, amplitude=1.0, phase=0.0)
    days = np.arange(0, 5, 0.001)

    flux = curve(light, days, fid=1)

    assert flux.mean() == pytest.approx(0, abs=0.01 * flux.std())
    np.testing.assert_allclose(curve(light, days[:500], 1), curve(light, days[:500] + 0.5, 1))
    total = to_magnitude(flux + to_flux(R)[0])
    assert np.ptp(total) == pytest.approx(1.0, abs=0.1)


def test_a_pulsator_rises_faster_than_it_fades():
    light = pulsator_light(R, period_days=0.5, amplitude=1.0, phase=0.0)

    steps = np.diff(curve(light, np.arange(0, 5, 0.001)))

    assert np.mean(steps > 0) < 0.3


def test_an_eclipsing_binary_is_faint_only_for_short():
    light = eclipsing_light(R, period_days=2.0, depth=0.7, width=0.03, phase=0.0)

    flux = curve(light, np.arange(0, 20, 0.001))

    assert 0 < np.mean(flux < 0) < 0.3
    assert -flux.min() > 3 * flux.max()


@pytest.mark.parametrize("tau", [50.0, 300.0])
def test_a_nucleus_wanders_by_its_amplitude_and_slowly(tau):
    rms, steps = [], []
    for seed in range(60):
        light = nucleus_light(
            R,
            tau_days=tau,
            amplitude=0.2,
            span=(START, START + 60),
            rng=np.random.default_rng(seed),
        )
        flux = curve(light, np.arange(0, 60, 1.0), fid=1) / to_flux(R)[0]
        rms.append(flux[30])
        steps.append(np.std(np.diff(flux)))

    # Now less the reference, each a draw of its own: 0.2 mag times sqrt(1 + 0.36), in flux.
    assert np.std(rms) == pytest.approx(0.2 * 0.921 * np.sqrt(1.36), rel=0.35)
    assert np.mean(steps) == pytest.approx(0.2 * 0.921 * np.sqrt(2 / tau), rel=0.35)


def test_an_outburst_is_up_in_a_day_and_gone_in_two_weeks():
    light = outburst_light(
        R, start_jd=START, rise_days=0.8, plateau_days=4, decline_mag_per_day=0.8
    )

    before, top, late = curve(light, [-0.1, 0.9, 12.0])

    assert before == 0
    assert to_magnitude(top) == pytest.approx(R[1], abs=0.05)
    assert to_magnitude(late) > R[1] + 4


def test_a_flare_is_over_within_hours():
    half_width = 15 / 1440
    light = flare_light(R, peak_jd=START, half_width_days=half_width)

    flux = curve(light, np.array([-2, -0.5, 0, 1, 4, 12]) * half_width) / to_flux(R)[1]

    assert flux[0] == 0
    assert 0.1 < flux[1] < 0.5
    assert flux[2] == pytest.approx(1, abs=0.02)
    assert flux[3] == pytest.approx(0.37, abs=0.05)
    assert flux[5] < 0.02


def test_what_passes_by_is_there_only_at_its_moment():
    light = moment_light(R, moments=np.array([START + 1]), seconds=100, sign=-1.0)

    flux = curve(light, [0.99, 1.0, 1.001, 1.01])

    np.testing.assert_allclose(flux, -to_flux(R)[1] * np.array([0, 1, 1, 0]))
