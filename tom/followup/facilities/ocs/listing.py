"""What the portal says of its instruments, which is newer than what stands here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tom.followup.facilities.contract import Instrument, Listing
from tom.followup.facilities.ocs.instruments import FacilityCard


def read_listing(answer: Any, card: FacilityCard) -> Listing:
    """Read which elements each of a facility's instruments has, by its name.

    An instrument that the portal does not list is not in it; one whose elements cannot be read
    has none.

    Raises
    ------
    TypeError
        If the answer is not a table of instruments.
    """
    if not isinstance(answer, Mapping):
        msg = "something else than a table of instruments"
        raise TypeError(msg)
    return {
        name: _elements(answer[name], f"{words.element_group}s")
        for name, words in card.words.items()
        if isinstance(answer.get(name), Mapping)
    }


def listed_instruments(card: FacilityCard, listing: Listing) -> tuple[Instrument, ...]:
    """Return the instruments as the portal lists them; as they stand here where it listed none."""
    if not listing:
        return card.instruments
    return tuple(
        _refined(instrument, listing[instrument.name])
        for instrument in card.instruments
        if instrument.name in listing
    )


def _refined(instrument: Instrument, elements: list[str]) -> Instrument:
    """Those that we know of first, in our order; then the others."""
    if not elements:
        return instrument
    known = [each for each in instrument.elements if each in elements]
    others = [each for each in elements if each not in known]
    return replace(instrument, elements=(*known, *others))


def _elements(said: Mapping[str, Any], group: str) -> list[str]:
    groups = said.get("optical_elements")
    offered = groups.get(group) if isinstance(groups, Mapping) else None
    rows = offered if isinstance(offered, list) else []
    found = [
        str(row["code"])[:64]
        for row in rows
        if isinstance(row, Mapping) and row.get("code") and row.get("schedulable", True)
    ]
    return sorted(set(found))
