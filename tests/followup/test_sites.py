"""Where the telescopes stand."""

from tom.followup.facilities.ocs.instruments import CARDS
from tom.followup.facilities.practice.instruments import INSTRUMENTS
from tom.followup.sites import sites


def test_every_instrument_stands_at_known_sites() -> None:
    instruments = [*(item for card in CARDS for item in card.instruments), *INSTRUMENTS]

    assert all(instrument.sites for instrument in instruments)
    assert {site for instrument in instruments for site in instrument.sites} <= set(sites())


def test_every_portal_instrument_has_the_portals_words() -> None:
    for card in CARDS:
        assert set(card.words) == {instrument.name for instrument in card.instruments}
