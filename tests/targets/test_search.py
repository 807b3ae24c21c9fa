"""Finding targets by name and by place."""

from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests.targets.test_identity import programs, seen
from tom.sky.healpix import healpix29, separation_arcsec
from tom.targets import search
from tom.targets.models import Program, TargetSummary
from tom.targets.search import find_by_name, find_exactly, find_in_cone
from tom.targets.store import store_alerts

pytestmark = pytest.mark.django_db
__all__ = ["programs"]  # a fixture


def make_target(name: str, ra: float, dec: float) -> BaseTarget:
    # In bulk, as ingest does: the model's own `save` runs TOM Toolkit's hooks.
    target = BaseTarget(name=name, type="SIDEREAL", ra=ra, dec=dec, permissions="PUBLIC")
    BaseTarget.objects.bulk_create([target])
    TargetSummary.objects.create(target=target, healpix29=int(healpix29(ra, dec)))
    return target


def test_a_part_of_the_name_in_any_case_finds_a_target():
    target = make_target("ZTF25abcdefg", 10, 10)
    make_target("ZTF25zzzzzzz", 10, 10)

    assert list(find_by_name(BaseTarget.objects.all(), "abCDe")) == [target]


def test_an_alias_finds_its_target_once():
    target = make_target("ZTF25abcdefg", 10, 10)
    TargetName.objects.bulk_create(
        [TargetName(target=target, name=name) for name in ("AT 2025abc", "SN 2025abc")]
    )

    assert list(find_by_name(BaseTarget.objects.all(), "2025abc")) == [target]


def test_the_index_of_pieces_is_left_alone_where_most_names_have_the_part(monkeypatch):
    monkeypatch.setattr(search, "FEW", 2)
    for number in range(1, 5):
        BaseTarget.objects.bulk_create([BaseTarget(pk=number, name=f"ZTF26aaa{number}")])
    later = make_target("ZTF25bbbb", 10, 10)

    with CaptureQueriesContext(connection) as common:
        found = find_by_name(BaseTarget.objects.all(), "zTf2").count()
    with CaptureQueriesContext(connection) as rare:
        assert list(find_by_name(BaseTarget.objects.all(), "bbb")) == [later]

    assert found == 5
    assert "targets_pieces" not in "".join(each["sql"] for each in common)
    assert "targets_pieces" in "".join(each["sql"] for each in rare)


@pytest.mark.parametrize(
    ("ra", "dec", "other_ra", "other_dec"),
    [(359.9999, 0, 0.0001, 0), (12, 89.9999, 192, 89.9999), (5, -90, 5, -89.9999), (5, 5, 5, 5)],
)
def test_a_cone_reaches_across_ra_0_and_the_poles(ra, dec, other_ra, other_dec):
    target = make_target("near", other_ra, other_dec)
    make_target("far", (other_ra + 90) % 360, 40)

    (found,) = find_in_cone(BaseTarget.objects.all(), [], ra=ra, dec=dec, radius_arcsec=2)

    assert found == target
    expected = separation_arcsec(ra, dec, other_ra, other_dec)
    np.testing.assert_allclose(found.separation_arcsec, expected, atol=1e-5)


def test_the_nearest_comes_first():
    second, first = make_target("b", 10, 10.002), make_target("a", 10, 10.001)

    found = find_in_cone(BaseTarget.objects.all(), [], ra=10, dec=10, radius_arcsec=60)

    assert list(found) == [first, second]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ra=st.floats(0, 359.999),
    dec=st.floats(-90, 90),
    radius=st.floats(1e-2, 36_000),
    away=st.floats(0, 2),
    angle=st.floats(0, 2 * np.pi),
)
def test_a_cone_holds_what_lies_within_its_radius(ra, dec, radius, away, angle):
    other_dec = round(float(np.clip(dec + radius / 3600 * away * np.sin(angle), -90, 90)), 9)
    other_ra = round(float((ra + radius / 3600 * away * np.cos(angle)) % 360), 9)
    target = make_target(uuid4().hex, other_ra, other_dec)
    apart = float(separation_arcsec(ra, dec, other_ra, other_dec))

    near = find_in_cone(BaseTarget.objects.all(), [], ra=ra, dec=dec, radius_arcsec=radius)

    assert (target in near) == (apart <= radius) or abs(apart - radius) < 1e-5


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0, 0, -1), (0, 0, 36_001), (0, 91, 1), (np.nan, 0, 1), (0, 0, np.nan)],
)
def test_a_cone_that_is_none_is_refused(ra, dec, radius):
    with pytest.raises(ValueError, match="between"):
        find_in_cone(BaseTarget.objects.all(), [], ra=ra, dec=dec, radius_arcsec=radius)


def test_a_name_of_two_surveys_finds_both_and_a_private_one_for_its_readers_alone(programs) -> None:
    store_alerts([seen("ZTF", "4242", ra=10.0), seen("LSST", "4242", ra=150.0, days=1)])
    store_alerts([seen("ATLAS", "hidden", ra=10.0, dec=2.00001, program=2)])
    secret = Program.objects.get(survey="ATLAS", number=2).pk
    everything = BaseTarget.objects.all()

    assert find_exactly(everything, ["4242"]).count() == 2
    for find in (find_exactly, find_by_name):
        name = ["HIDDEN"] if find is find_exactly else "HIDDEN"
        assert not find(everything, name).exists()
        assert find(everything, name, [secret]).get().name == "4242"
