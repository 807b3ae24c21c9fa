"""A change of template is seen in forced photometry, kept once, and told with the light curve."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from tom_targets.base_models import BaseTarget

from tests.surveys.lsst.made import MJD, make_forced, make_framed
from tom import intake
from tom.streams.services import store_message
from tom.surveys.lsst.packets import parse_framed
from tom.surveys.lsst.schemas import published
from tom.surveys.lsst.templates import template_changes
from tom.targets.models import Program, TemplateChange
from tom.targets.template_changes import template_changes_of
from tom.web.lightcurve import plot_data


def nights(*levels: float, band: str = "r", error: float = 100.0) -> list[dict[str, Any]]:
    """Two forced points a night; the source is 500 nJy brighter than its template."""
    return [
        make_forced(
            diaForcedSourceId=10 * night + number,
            midpointMjdTai=MJD - len(levels) + night + number / 100,
            band=band,
            psfFlux=500.0,
            scienceFlux=level + 500.0,
            scienceFluxErr=error,
        )
        for night, level in enumerate(levels)
        for number in (1, 2)
    ]


def test_a_level_that_stays_another_is_a_change() -> None:
    rows = nights(1e5, 1.6e5, 1.61e5, 1.59e5)

    (change,) = parse_framed(make_framed(forced=rows)).template_changes

    assert change.band == "r"
    assert change.time == datetime(2026, 3, 8, 6, 13, 47, tzinfo=UTC)
    assert (change.before_njy, change.after_njy) == (1e5, pytest.approx(1.6e5))


@pytest.mark.parametrize(
    "rows",
    [
        nights(1e5, 1.02e5, 0.98e5, 1.01e5),
        nights(1e5, 1.1e5, 1.1e5, 1.1e5),  # less than a fifth
        nights(1e5, 1e5, 1e5, 1.6e5),  # one night alone
        nights(1e5, 1.6e5, 0.8e5, 1.5e5, 1.2e5),  # of a saturated star
        nights(100.0, 300.0, 300.0, 300.0),  # within the error
        nights(1e5) + nights(1.6e5, 1.6e5, band="i"),
        [],
    ],
)
def test_what_is_no_other_level_is_no_change(rows: list[dict[str, Any]]) -> None:
    assert parse_framed(make_framed(forced=rows)).template_changes == ()


def test_a_version_without_fluxes_of_the_image_tells_none() -> None:
    assert parse_framed(make_framed(704, forced=nights(1e5, 1.6e5, 1.6e5))).template_changes == ()


@pytest.mark.django_db
def test_it_is_kept_once_and_told_to_who_may_see_the_points() -> None:
    rows = nights(1e5, 1.6e5, 1.61e5, 1.59e5)
    store_message("lsst-alerts-v11", make_framed(forced=rows))
    store_message("lsst-alerts-v11", make_framed(forced=rows, midpointMjdTai=MJD + 0.01))
    while intake.work_alerts():
        pass

    assert TemplateChange.objects.count() == 1
    target, reader = BaseTarget.objects.get(), User.objects.create(username="reader")
    told = plot_data(target, reader)["template_changes"]
    assert told == [{"band": "r", "time": "2026-03-08T06:13:47.000"}]

    Program.objects.update(public=False, group=Group.objects.create(name="g"))
    assert not template_changes_of(target, AnonymousUser()).exists()
    assert plot_data(target, reader)["template_changes"] == []


def test_real_light_curves_have_the_changes_of_one_night(real_data: Any) -> None:
    """Four of 212 bands: two stars' r and z, both since the second night."""
    found = []
    for path in sorted((real_data / "lsst" / "rubin_v10_2026-03").glob("*.parquet")):
        for record in pl.read_parquet(path).to_dicts():
            found += template_changes(record)
    assert [(change.band, change.time.date().isoformat()) for change in found] == [
        ("r", "2026-02-19"),
        ("z", "2026-02-19"),
    ] * 2
    steps = {round(change.after_njy / change.before_njy, 1) for change in found}
    assert steps == {1.4, 1.5, 1.6, 1.9}


def test_no_version_names_a_template() -> None:
    """Where one does, that says more than the levels do."""
    for schema in published().values():
        named = {name for fields in schema.fields.values() for name in fields}
        assert [n for n in named if "template" in n.lower() and n.lower().endswith("id")] == []


@pytest.mark.parametrize("row", [[1, 2], "row", 7, None])
def test_what_is_no_forced_point_is_passed_over(row: Any) -> None:
    rows = nights(1e5, 1.6e5, 1.61e5, 1.59e5)

    assert template_changes({"prvDiaForcedSources": [row, *rows]}) == template_changes(
        {"prvDiaForcedSources": rows}
    )
