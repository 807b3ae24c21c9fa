"""Where the telescopes stand."""

from tom.followup.facilities import PORTAL_CARDS
from tom.followup.facilities.instruments import PRACTICE
from tom.followup.sites import SITES


def test_every_instrument_stands_at_known_sites() -> None:
    instruments = [item for card in (*PORTAL_CARDS, PRACTICE) for item in card.instruments]

    assert all(instrument.sites for instrument in instruments)
    assert {site for instrument in instruments for site in instrument.sites} <= set(SITES)


def test_every_portal_instrument_has_the_portals_words() -> None:
    for card in PORTAL_CARDS:
        assert set(card.words) == {instrument.name for instrument in card.instruments}
