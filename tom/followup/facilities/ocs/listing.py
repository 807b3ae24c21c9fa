"""The portal's own list of instruments, which is newer than the one in `instruments.py`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tom.followup.facilities.contract import Instrument, Listing
from tom.followup.facilities.ocs.instruments import FacilityCard


def read_listing(answer: Any, card: FacilityCard) -> Listing:
    """Read the elements of each of a facility's instruments, by the instrument's name.

    An instrument that the portal does not list is left out. An instrument whose elements cannot
    be read gets an empty list.

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
    """Return our instruments that the portal lists; all of them if the listing is empty."""
    if not listing:
        return card.instruments
    return tuple(
        _refined(instrument, listing[instrument.name])
        for instrument in card.instruments
        if instrument.name in listing
    )


def _refined(instrument: Instrument, elements: list[str]) -> Instrument:
    """Give an instrument the listed elements: the known ones first, in our order."""
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
