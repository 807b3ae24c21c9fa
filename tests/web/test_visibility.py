"""Where a target is up tonight."""

from datetime import UTC, datetime, timedelta

import pytest
from tom_targets.base_models import BaseTarget

from tom.followup.facilities.ocs.instruments import LCO
from tom.followup.services import available_facilities
from tom.followup.sites import sites as known_sites
from tom.web.visibility import Limits, SiteTonight, position_of, tonight_at_sites, tonight_for

MIDNIGHT_IN_CHILE = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
AN_HOUR_LATER = MIDNIGHT_IN_CHILE + timedelta(hours=1)


def tonight(ra: float, dec: float) -> dict[str, bool]:
    target = BaseTarget(name="x", ra=ra, dec=dec)
    return {row.site: row.is_up for row in tonight_at_sites(target, MIDNIGHT_IN_CHILE).rows}


def test_every_site_that_an_instrument_names_is_known() -> None:
    named = {
        site
        for facility in available_facilities().values()
        for instrument in facility.instruments()
        for site in instrument.sites
    }

    assert named <= set(known_sites())


def test_what_culminates_over_a_dark_site_is_up_there_and_not_at_noon_elsewhere() -> None:
    # The sidereal time at Cerro Tololo is then near 3.8 h.
    up = tonight(ra=57.0, dec=-30.0)

    assert up["Cerro Tololo"]
    assert not up["Siding Spring"]


def test_the_far_north_is_never_up_in_the_south() -> None:
    rows = tonight_at_sites(BaseTarget(name="x", ra=57.0, dec=85.0), MIDNIGHT_IN_CHILE).rows
    chile = next(row for row in rows if row.site == "Cerro Tololo")

    assert (chile.hours, chile.best, chile.airmass) == (0.0, None, None)
    assert chile.why_none == "below the horizon"
    assert chile.why_not == "below the horizon"


def test_the_plot_has_a_line_for_a_site_where_it_is_up() -> None:
    plot = tonight_at_sites(BaseTarget(name="x", ra=57.0, dec=-30.0), MIDNIGHT_IN_CHILE).plot

    assert "<title>Cerro Tololo</title>" in plot


def test_a_target_without_a_position_is_refused() -> None:
    with pytest.raises(ValueError, match="no fixed position"):
        position_of(BaseTarget(name="comet"))


def at_tololo(
    ra: float, dec: float, *, now: datetime = MIDNIGHT_IN_CHILE, **limits: object
) -> SiteTonight:
    """The line of Cerro Tololo for the 1 m imager of LCO."""
    instrument = next(each for each in LCO.instruments if each.name == "1M0-SCICAM-SINISTRO")
    target = BaseTarget(name="x", ra=ra, dec=dec)
    rows = tonight_for(target, instrument, now, Limits(**limits)).rows
    return next(row for row in rows if row.site == "Cerro Tololo")


def test_the_hours_count_the_limits_of_the_form() -> None:
    wide = at_tololo(57.0, -30.0, airmass_max=2.0)
    narrow = at_tololo(57.0, -30.0, airmass_max=1.2)
    soon = at_tololo(57.0, -30.0, end=MIDNIGHT_IN_CHILE + timedelta(hours=1))

    assert narrow.hours < wide.hours
    assert soon.hours == pytest.approx(1.0, abs=0.2)


def test_the_hours_count_how_the_telescope_may_point() -> None:
    # Near the pole at 17 degrees: above the airmass of 3, but always; the hour angle ends it.
    circumpolar = at_tololo(57.0, -70.0, airmass_max=3.0)

    assert 0 < circumpolar.hours < 5.5  # it culminates just before midnight: 4.6 h after it


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (
            {"moon_min_deg": 180.0, "end": MIDNIGHT_IN_CHILE + timedelta(hours=1)},
            "too near the Moon",
        ),
        ({"airmass_max": 0.99}, "too low"),
        ({"end": MIDNIGHT_IN_CHILE - timedelta(hours=1)}, "the window has ended"),
        (
            {
                "start": MIDNIGHT_IN_CHILE + timedelta(hours=9),
                "end": MIDNIGHT_IN_CHILE + timedelta(hours=10),
            },
            "no dark time is left",
        ),
    ],
)
def test_hours_of_0_tell_their_true_reason(limits: dict[str, object], why: str) -> None:
    row = at_tololo(57.0, -30.0, **limits)

    assert (row.hours, row.why_none) == (0.0, why)


def test_now_after_sunrise_tells_of_now_not_of_the_next_noon() -> None:
    # 11:00 UTC is 06:20 by the Sun there: it has risen, and what stood high before it is in the
    # west still; at the next noon it is below the horizon.
    row = at_tololo(140.0, -30.0, now=datetime(2026, 11, 21, 11, 0, tzinfo=UTC))

    assert row.why_not == "daylight"
    assert row.hours > 0
