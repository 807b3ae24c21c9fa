from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, sampled_from

from tom.demo.explosions import KILONOVA, TEMPLATES, explosion_light, redshift_at
from tom.demo.light import BANDS, absorption, behind_dust, to_magnitude
from tom.demo.packets import to_jd

START = 2461000.0


def magnitudes(kind, days, fid, *, distance_mpc=100.0):
    template = KILONOVA if kind == "kilonova" else TEMPLATES[kind]
    light = explosion_light(template, start_jd=START, distance_mpc=distance_mpc)
    days = np.atleast_1d(np.asarray(days, dtype=float))
    return to_magnitude(light(START + days, np.full(len(days), fid)))


def peak(kind, fid):
    days = np.linspace(0.3, 120, 2000)
    curve = magnitudes(kind, days, fid)
    return days[np.argmin(curve)], curve.min() - 35.0  # 100 Mpc


@pytest.mark.parametrize(
    ("kind", "day", "absolute"),
    [
        ("kilonova", (0.4, 1), -16.0),
        ("SN Ia", (15, 21), -19.2),
        ("SN Ibc", (12, 22), -17.6),
        ("SN IIb", (15, 24), -17.3),
        ("SN II", (7, 20), -17.2),
        ("SN IIn", (20, 40), -18.7),
        ("SLSN", (35, 65), -21.1),
        ("TDE", (25, 35), -19.4),
    ],
)
def test_each_kind_peaks_when_and_as_bright_as_it_should(kind, day, absolute):
    when, brightest = peak(kind, 2)

    assert day[0] < when < day[1]
    assert brightest == pytest.approx(absolute, abs=0.2)


def test_the_kilonova_reddens_and_fades_within_days_as_nothing_else_does():
    g, r = (magnitudes("kilonova", [0.5, 1.5, 2.5, 3.5], fid) for fid in (1, 2))

    assert np.all(np.diff(g - r) > 0)
    assert g[0] - r[0] < 0
    assert g[2] - r[2] > 0.8
    assert g[1] - g[0] > 0.8
    for kind in TEMPLATES:
        decline = np.diff(magnitudes(kind, np.arange(8, 80), 1))
        assert decline.max() < 0.25


def test_the_kilonova_follows_the_published_photometry(real_data):
    merger = to_jd(datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC))
    light = behind_dust(explosion_light(KILONOVA, start_jd=merger, distance_mpc=40.7), 0.105)
    residuals = []
    for line in (real_data / "ml/kn/AT2017gfo.dat").read_text().splitlines():
        moment, band, magnitude, error = line.split()
        jd = to_jd(datetime.fromisoformat(moment).replace(tzinfo=UTC))
        if band in {"ps1::g", "ps1::r", "ps1::i"} and np.isfinite(float(error)):
            fid = BANDS.index(band[-1]) + 1
            model = to_magnitude(light(np.array([jd]), np.array([fid])))[0]
            if jd - merger < 8:
                residuals.append(model - float(magnitude))

    assert len(residuals) > 35
    assert np.median(np.abs(residuals)) < 0.15
    assert np.max(np.abs(residuals)) < 0.8


def test_shock_cooling_fades_and_comes_back():
    early, dip, late = magnitudes("SN IIb", [0.8, 3.5, 18], 1)

    assert dip > early + 0.8
    assert late < dip - 0.8


def test_a_tidal_disruption_stays_blue_while_a_supernova_reddens():
    days = np.array([20.0, 60.0])

    disruption = magnitudes("TDE", days, 1) - magnitudes("TDE", days, 2)
    supernova = magnitudes("SN Ia", days, 1) - magnitudes("SN Ia", days, 2)

    assert np.all(disruption < 0)
    assert supernova[1] > 0.6


def test_there_is_no_light_before_the_explosion():
    light = explosion_light(TEMPLATES["SN Ia"], start_jd=START, distance_mpc=100.0)

    assert np.all(light(START - np.array([0.0, 1.0, 100.0]), np.array([1, 2, 3])) == 0)


@given(days=floats(-50, 400), fid=sampled_from([1, 2, 3]), kind=sampled_from(sorted(TEMPLATES)))
def test_light_is_finite_and_never_negative(days, fid, kind):
    light = explosion_light(TEMPLATES[kind], start_jd=START, distance_mpc=50.0)

    flux = light(np.array([START + days]), np.array([fid]))

    assert np.isfinite(flux[0])
    assert flux[0] >= 0


def test_an_explosion_twice_as_far_is_four_times_fainter():
    near = explosion_light(KILONOVA, start_jd=START, distance_mpc=1.0)
    far = explosion_light(KILONOVA, start_jd=START, distance_mpc=2.0)
    jd, fid = START + np.array([1.0, 2.0]), np.array([1, 2])

    np.testing.assert_allclose(near(jd, fid) / far(jd, fid), 4, rtol=2e-3)


def test_far_explosions_run_slower():
    def peak_day(distance_mpc):
        days = np.linspace(10, 30, 2001)
        return days[np.argmin(magnitudes("SN Ia", days, 1, distance_mpc=distance_mpc))]

    assert peak_day(1000) / peak_day(1) == pytest.approx(1 + redshift_at(1000), rel=0.01)


def test_redshift_follows_distance():
    assert redshift_at(43.0) == pytest.approx(0.010, abs=0.0003)
    assert redshift_at(460.0) == pytest.approx(0.100, abs=0.002)


def test_dust_reddens():
    lost = absorption(0.1)

    assert lost[0] > lost[1] > lost[2] > 0
    assert lost[0] == pytest.approx(0.317, abs=0.01)
