"""Where a target is up tonight."""

from datetime import UTC, datetime

import pytest
from tom_targets.base_models import BaseTarget

from tom.followup.services import available_facilities
from tom.followup.sites import SITES
from tom.web.visibility import position_of, tonight_at_sites

MIDNIGHT_IN_CHILE = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)


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

    assert named <= set(SITES)


def test_what_culminates_over_a_dark_site_is_up_there_and_not_at_noon_elsewhere() -> None:
    # The sidereal time at Cerro Tololo is then near 3.8 h.
    up = tonight(ra=57.0, dec=-30.0)

    assert up["Cerro Tololo"]
    assert not up["Siding Spring"]


def test_the_far_north_is_never_up_in_the_south() -> None:
    rows = tonight_at_sites(BaseTarget(name="x", ra=57.0, dec=85.0), MIDNIGHT_IN_CHILE).rows
    chile = next(row for row in rows if row.site == "Cerro Tololo")

    assert (chile.hours, chile.best, chile.airmass) == (0.0, None, None)
    assert chile.why_not == "below the horizon"


def test_the_plot_has_a_line_for_a_site_where_it_is_up() -> None:
    plot = tonight_at_sites(BaseTarget(name="x", ra=57.0, dec=-30.0), MIDNIGHT_IN_CHILE).plot

    assert "<title>Cerro Tololo</title>" in plot


def test_a_target_without_a_position_is_refused() -> None:
    with pytest.raises(ValueError, match="no fixed position"):
        position_of(BaseTarget(name="comet"))
