"""`manage.py skymap` prints what a map says, as JSON."""

import gzip
import json
import os
import re
import tracemalloc
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_skymap
from tom.sky import write_skymap


def say(*argv: str) -> dict[str, float | None]:
    out = StringIO()
    call_command("skymap", *argv, stdout=out)
    said: dict[str, float | None] = json.loads(out.getvalue())
    return said


def test_gw170817_and_its_counterpart(real_data: Path) -> None:
    path = str(real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits")

    said = say(path, "--ra", "197.450354", "--dec=-23.381484", "--distance", "40.7")

    assert said["area_90"] == pytest.approx(30.979, abs=1e-3)
    assert said["area_50"] == pytest.approx(8.90, abs=0.01)
    assert said["distance_mean"] == pytest.approx(39.770, abs=1e-3)
    assert said["credible_level_2d"] == pytest.approx(0.55593, abs=1e-4)
    assert said["credible_level_3d"] == pytest.approx(0.39205, abs=2e-3)
    assert said["max_ra"] == pytest.approx(194.304199, abs=1e-5)


def test_without_a_position_it_says_nothing_of_one(real_data: Path) -> None:
    path = str(real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits")

    assert set(say(path)) == {
        *("area_50", "area_90", "distance_mean", "distance_std", "max_ra", "max_dec")
    }


def test_wrong_input_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.fits").write_bytes(b"no map")

    for argv, reason in (
        ([str(tmp_path / "x.fits")], "x.fits"),
        ([str(tmp_path / "gone.fits")], "gone.fits"),
        ([str(tmp_path / "x.fits"), "--ra", "1"], "both --ra and --dec"),
        ([str(tmp_path / "x.fits"), "--distance", "1"], "needs --ra and --dec"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command("skymap", *argv)


def test_a_large_file_is_refused_without_being_held(tmp_path: Path) -> None:
    fits = write_skymap(make_skymap())
    many, few = (
        re.sub(rb"NAXIS2  =[ 0-9]{21}", b"NAXIS2  =%21d" % n, fits) for n in (12_000_000, 1_200_000)
    )
    plain, packed = tmp_path / "plain.fits", tmp_path / "packed.fits.gz"
    plain.write_bytes(many)
    os.truncate(plain, 500_000_000)  # a hole takes no room on the disk
    packed.write_bytes(gzip.compress(few + os.urandom(50_000_000), compresslevel=0))

    for path, reason in ((plain, "more than 3,145,728 rows"), (packed, "UNIQ out of range")):
        tracemalloc.start()
        with pytest.raises(CommandError, match=reason):
            call_command("skymap", str(path))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 30e6


@pytest.mark.parametrize("dec", ["-1e-05", "-1E-5", "-.5", "-5.", "-45"])
def test_a_negative_number_may_have_an_exponent(tmp_path: Path, dec: str) -> None:
    path = tmp_path / "map.fits"
    path.write_bytes(write_skymap(make_skymap()))

    assert say(str(path), "--ra", "10", "--dec", dec)["probdensity"] is not None


@pytest.mark.parametrize(
    "position",
    [("999", "0"), ("-1", "0"), ("1", "-91"), ("nan", "0"), ("1", "-inf"), ("1", "-nan")],
)
def test_what_is_no_direction_is_refused(tmp_path: Path, position: tuple[str, str]) -> None:
    ra, dec = position

    with pytest.raises(CommandError, match="from"):
        say(str(tmp_path / "x.fits"), "--ra", ra, "--dec", dec)
