"""Packed sky maps are exact, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import MalformedSkyMapError, SkyMap, build_skymap, pack, unpack

COLUMNS = ("level", "ipix", "probdensity", "distmu", "distsigma", "distnorm")


def assert_same(first: SkyMap, second: SkyMap) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("distance_mean", "distance_std", "raw_sum"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@settings(max_examples=40)
@given(skymaps)
def test_unpacking_gives_back_every_number(skymap):
    assert_same(unpack(pack(skymap)), skymap)


def test_a_memoryview_unpacks_as_its_bytes():
    skymap = build_skymap(
        level=[0], ipix=[3], probdensity=[2.0], distance_mean=40.0, distance_std=8.0
    )

    assert_same(unpack(memoryview(pack(skymap))), skymap)


@given(st.binary(max_size=80))
def test_other_bytes_are_refused(data):
    with pytest.raises(MalformedSkyMapError):
        unpack(data)


def test_cut_bytes_are_refused():
    data = pack(build_skymap(level=[0], ipix=[3], probdensity=[2.0]))

    with pytest.raises(MalformedSkyMapError, match="length"):
        unpack(data[:-1])
