from collections import Counter
from dataclasses import replace
from io import BytesIO

import fastavro
import numpy as np
import pytest

from tom.benchmark.galaxies import (
    LIMIT_B,
    _b_magnitude,
    _draw_luminosities,
    listed_light,
)
from tom.benchmark.kilonovae import FAMILIES, GRB211211A, GRID, draw_model
from tom.benchmark.maps import Extent, _draw_narrow, _widen, draw_maps
from tom.benchmark.nights import (
    BLIND_SEEDS,
    FULL,
    SIZES,
    TINY,
    TUNING_SEEDS,
    _draw_fate,
    make_hard_night,
)
from tom.benchmark.places import Ground
from tom.benchmark.rates import RATES
from tom.benchmark.sources import alert_rows, draw_count, draw_explosions
from tom.demo.explosions import KILONOVA
from tom.demo.light import to_magnitude
from tom.demo.packets import to_jd
from tom.sky import credible_area, healpix29, levels_2d, separation_arcsec


@pytest.fixture(scope="session")
def alerts(hard_night):
    return [
        next(iter(fastavro.reader(BytesIO(message.payload))))
        for message in hard_night.messages()
        if message.topic.startswith("ztf")
    ]


def first_of(night):
    """The same night with its first objects alone: packets take long."""
    few = slice(0, 12)
    return replace(night, objects=night.objects[few], names=night.names[few], sent=night.sent[few])


def test_the_same_seed_gives_the_same_bytes(hard_night):
    again = make_hard_night(hard_night.seed, TINY)

    assert first_of(again).messages() == first_of(hard_night).messages()
    assert list(again.names) == list(hard_night.names)
    np.testing.assert_equal(list(again.sent), list(hard_night.sent))
    assert again.counterpart == hard_night.counterpart


def test_a_night_is_made_without_a_counterpart_by_the_same_merger_and_map(hard_night):
    without = make_hard_night(hard_night.seed, SIZES["tiny-without"])

    assert hard_night.counterpart is not None
    assert without.counterpart is None
    assert without.merger_time == hard_night.merger_time
    np.testing.assert_array_equal(without.maps[1].probdensity, hard_night.maps[1].probdensity)
    assert len(without.objects) > 0


def test_of_nights_that_are_not_chosen_some_counterparts_are_missed():
    nights = [make_hard_night(seed, SIZES["tiny-unchosen"]) for seed in range(1, 7)]
    fates = {(each.counterpart is not None, each.model != "") for each in nights}

    assert fates == {(True, True), (False, True), (False, False)}


def test_blind_seeds_are_not_those_for_tuning():
    assert len(BLIND_SEEDS) == 40
    assert not set(BLIND_SEEDS) & set(TUNING_SEEDS)


def test_a_fifth_of_the_nights_have_no_counterpart_and_half_of_those_no_light():
    rng = np.random.default_rng(1)
    fates = Counter(_draw_fate(FULL, rng) for _ in range(5000))

    assert fates[True, True] / 5000 == pytest.approx(0.8, abs=0.02)
    assert fates[False, True] / 5000 == pytest.approx(0.1, abs=0.015)
    assert fates[False, False] / 5000 == pytest.approx(0.1, abs=0.015)


def test_the_counterpart_gives_an_alert_where_the_map_allows_it(hard_night):
    row = list(hard_night.names).index(hard_night.counterpart)
    light = hard_night.objects[row]

    assert len(alert_rows(light, to_jd(hard_night.merger_time)))
    assert 40 <= light.distance_mpc <= 250
    assert light.source.kind == hard_night.model


def test_alerts_carry_neither_the_truth_nor_a_number_twice(hard_night, alerts):
    names = [packet["objectId"] for packet in alerts]
    numbers = [packet["candid"] for packet in alerts]

    assert len(alerts) == sum(map(len, hard_night.sent))
    assert set(names) == set(hard_night.names)
    assert len(set(numbers)) == len(numbers)
    kinds = {observed.source.kind for observed in hard_night.objects} - {"AGN", "CV"}
    text = " ".join(str(packet["candidate"]) for packet in alerts[:200])
    assert not [kind for kind in kinds if kind in text]


def test_all_detections_of_an_object_have_its_number_in_its_quadrant(hard_night, alerts):
    numbers = {}
    for packet in alerts:
        piece = packet["candidate"]["field"], packet["candidate"]["rcid"]
        numbers.setdefault((*piece, packet["candid"] % 1_000_000), set()).add(packet["objectId"])

    assert len(numbers) == len(hard_night.names)
    assert all(len(names) == 1 for names in numbers.values())


def test_sources_lie_outside_the_region_too(hard_night):
    ra = [observed.source.ra for observed in hard_night.objects]
    dec = [observed.source.dec for observed in hard_night.objects]
    level = levels_2d(hard_night.maps[1], healpix29(ra, dec))

    assert 0.02 < np.mean(level > 0.99) < 0.4


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate.kind} {rate.group}")
def test_counts_have_the_mean_that_the_rates_state(rate):
    rng, mean = np.random.default_rng(5), rate.most(500.0, 2)
    counts = [draw_count(rate, area_deg2=500.0, visits=2, rng=rng) for _ in range(2000)]

    assert np.mean(counts) == pytest.approx(mean, abs=4.5 * np.sqrt(mean / 2000))
    assert np.var(counts) == pytest.approx(mean, rel=0.2)


def test_places_inside_are_even_in_area_and_those_outside_are_not_inside(hard_night):
    ground, rng = Ground(hard_night.maps[1]), np.random.default_rng(6)
    inside = levels_2d(ground.skymap, healpix29(*ground.draw_inside(4000, rng)))
    half = credible_area(ground.skymap, 0.5) / ground.area_deg2

    assert np.all(inside <= 0.99)
    assert np.mean(inside <= 0.5) == pytest.approx(half, abs=0.03)
    outside = levels_2d(ground.skymap, healpix29(*ground.draw_outside(500, rng)))
    assert np.all(~(outside <= 0.99))


@pytest.mark.parametrize("area", [60.0, 400.0, 1500.0])
def test_a_map_has_about_the_area_that_is_asked_for(area):
    extent = Extent(area_deg2=area, distance_mpc=120.0)
    _, update = draw_maps(extent, 2461000.9, np.random.default_rng(7))

    assert credible_area(update, 0.9) == pytest.approx(area, rel=0.25)
    assert update.distance_mean == pytest.approx(120, rel=0.25)


def test_the_update_lies_where_the_preliminary_map_lets_it():
    extent, rng = Extent(area_deg2=300.0, distance_mpc=120.0), np.random.default_rng(10)
    arcs = [_draw_narrow(extent, rng) for _ in range(400)]
    wide = [_widen(arc, rng) for arc in arcs]
    along = [(w.along - n.along) / w.length for n, w in zip(arcs, wide, strict=True)]
    across = [(w.radius - n.radius) / w.width for n, w in zip(arcs, wide, strict=True)]

    # With the update's own width this makes 1, the preliminary map's.
    assert np.var(along) + (1 / 1.5) ** 2 == pytest.approx(1, abs=0.12)
    assert np.var(across) + (1 / 1.3) ** 2 == pytest.approx(1, abs=0.12)


def test_explosions_in_a_volume_are_fainter_than_those_to_a_limit():
    drawn = [row for _, row in draw_explosions("SN II", 300_000, np.random.default_rng(11))]
    near = [row.brighter for row in drawn if row.distance_mpc < 200]

    # 0.6 ln(10) 0.8^2, where all are bright enough.
    assert len(near) > 100
    assert np.mean(near) == pytest.approx(-0.884, abs=4 * 0.8 / np.sqrt(len(near)))


def test_no_explosion_that_is_too_faint_is_built():
    rows = list(draw_explosions("SN II", 3000, np.random.default_rng(8)))

    assert 0 < len(rows) < 3000
    assert all(explosion.age_days > -6 for _, explosion in rows)


def test_the_family_has_its_shares_and_a_grid_about_at2017gfo():
    rng = np.random.default_rng(9)
    names = Counter(draw_model(rng).name.split(" ")[0] for _ in range(3000))

    assert names["AT2017gfo"] / 3000 == pytest.approx(FAMILIES["AT2017gfo"], abs=0.03)
    assert names["GRB"] / 3000 == pytest.approx(FAMILIES["GRB 211211A"], abs=0.03)
    fainter = next(model for model in GRID if model.name == "grid -1 x1 +0")
    times = 2461000.0 + np.array([1.0, 2.0])
    red = np.array([2, 2])
    usual = to_magnitude(fainter.light(start_jd=2461000.0, distance_mpc=100.0)(times, red))
    expected = np.interp(np.log([1, 2]), np.log(KILONOVA.days), KILONOVA.magnitudes[1])
    np.testing.assert_allclose(usual, expected + 35 + 1, atol=0.1)


def test_grb_211211a_follows_the_published_photometry(real_data):
    """Within 0.3 mag of each measurement in r and i, at 350 Mpc."""
    from datetime import UTC, datetime

    burst = datetime(2021, 12, 11, 13, 9, 59, tzinfo=UTC)
    measured = []
    for line in (real_data / "ml/kn/GRB211211A.txt").read_text().splitlines():
        time, band, magnitude, error = line.split()[:4]
        if band in ("ps1::r", "ps1::i", "bessellr", "besselli") and error != "inf":
            days = (datetime.fromisoformat(time).replace(tzinfo=UTC) - burst).total_seconds()
            measured.append((days / 86400, 1 + band.endswith("i"), float(magnitude)))
    for days, row, magnitude in measured:
        ours = np.interp(np.log(days), np.log(GRB211211A.days), GRB211211A.magnitudes[row])
        assert ours + 37.72 == pytest.approx(magnitude, abs=0.35)
    assert len(measured) >= 8


def test_galaxies_do_not_tell_the_hosts_by_their_order_and_lie_at_explosions(hard_night):
    galaxies = hard_night.galaxies
    hosts = [each for each in hard_night.objects if each.distance_mpc is not None]
    near = [
        separation_arcsec(each.source.ra, each.source.dec, galaxies.ra, galaxies.dec)
        for each in hosts
        if each.distance_mpc < 400
    ]
    first = [int(np.argmin(off)) for off in near if off.min() < 60]

    assert (galaxies.b_magnitude < LIMIT_B).all()
    assert len(first) >= len(near) / 4
    assert max(first) > len(galaxies.ra) / 4


def test_the_catalogue_lists_less_of_the_light_the_farther_it_is():
    listed = listed_light(np.array([80.0, 200.0, 350.0]))

    assert listed == pytest.approx([0.9, 0.6, 0.2], abs=0.03)
    drawn = _draw_luminosities(20000, np.random.default_rng(1), by_light=True)
    assert np.mean(_b_magnitude(drawn, 200.0) < LIMIT_B) == pytest.approx(listed[1], abs=0.01)
