"""A detection without a centre of its own was measured at the peak: it is marked wherever told."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests.factories import make_admin
from tests.surveys.lsst.made import MJD, SOURCE_ID, make_framed, make_source
from tom import intake
from tom.streams.services import store_message
from tom.surveys.lsst.packets import parse_framed
from tom.targets.models import PeakPoint
from tom.targets.peaks import peaks_of
from tom.web.lightcurve import plot_data

PEAK = {"psfFlux_flag": True, "centroid_flag": True}


@pytest.mark.parametrize(
    ("flags", "is_at_peak"), [({}, False), (PEAK, True), ({"centroid_flag": True}, True)]
)
def test_a_source_without_a_centre_is_at_the_peak(flags: dict[str, bool], is_at_peak: bool) -> None:
    assert parse_framed(make_framed(**flags)).trigger.is_at_peak is is_at_peak


@pytest.fixture
def target() -> BaseTarget:
    """A target whose earlier detection was measured at the peak, and told twice."""
    history = [make_source(diaSourceId=7, midpointMjdTai=MJD - 1, **PEAK)]
    store_message("lsst-alerts-v11", make_framed(history=history))
    store_message("lsst-alerts-v11", make_framed(history=history, midpointMjdTai=MJD + 0.01))
    while intake.work_alerts():
        pass
    return BaseTarget.objects.get()


@pytest.mark.django_db
def test_it_is_kept_once(target: BaseTarget) -> None:
    assert PeakPoint.objects.count() == 1
    assert peaks_of(target.pk) == {("LSST", "7")}


@pytest.mark.django_db
def test_the_plot_the_table_the_csv_and_the_api_mark_it(target: BaseTarget, client: Client) -> None:
    ada: User = make_admin("ada")
    client.force_login(ada)

    (series,) = plot_data(target, ada)["series"]
    table = client.get(f"/targets/{target.pk}/points/").text
    rows = csv.DictReader(io.StringIO(client.get(f"/targets/{target.pk}/points.csv").text))
    points = client.get(f"/api/targets/{target.pk}/lightcurve/").json()["results"]

    assert series["at_peak"] == [True, False]
    assert table.count("at the peak") == 1
    expected = {"7": True, str(SOURCE_ID): False}
    assert {row["key"]: row["at_peak"] == "yes" for row in rows} == expected
    assert {point["key"]: point["at_peak"] for point in points} == expected
