"""Where else one can look: a target's and an event's pages at brokers, archives and surveys."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from tom.events.models import EventSequence, NonLocalizedEvent
from tom.forms.declared import Sender
from tom.forms.registry import missions, survey_of, surveys
from tom.targets.tns import bare_name, tns_spellings

RADIUS_ARCSEC: Final = 10
# Pan-STARRS looks no further south.
PS1_SOUTH_DEG: Final = -30.5


class Link(NamedTuple):
    """A page of another site."""

    name: str
    url: str


def links_of(
    names: Sequence[str], *, ra: float | None, dec: float | None, survey: str = ""
) -> list[Link]:
    """Return other sites' pages on a target with these names, at this place (ICRS degrees).

    A number alone is a name in the target's own survey only, where that is known.
    """
    links = [link for name in dict.fromkeys(names) for link in _at_brokers(name, survey)]
    found = next((bare_name(name) for name in names if tns_spellings(name)), None)
    if found:
        links.append(Link("TNS", f"https://www.wis-tns.org/object/{found}"))
    if ra is None or dec is None:
        return links
    if not found:
        links.append(_near_at_tns(ra=ra, dec=dec))
    return [*links, *_at_place(ra=ra, dec=dec)]


def _near_at_tns(*, ra: float, dec: float) -> Link:
    asked = {"ra": f"{ra:.6f}", "decl": f"{dec:.6f}", "radius": RADIUS_ARCSEC}
    query = urlencode(asked | {"coords_unit": "arcsec"})
    return Link("TNS", f"https://www.wis-tns.org/search?{query}")


def _at_place(*, ra: float, dec: float) -> list[Link]:
    place = f"{ra:.6f} {dec:+.6f}"
    simbad = {"Coord": place, "CooFrame": "ICRS", "Radius": RADIUS_ARCSEC, "Radius.unit": "arcsec"}
    ned = {
        "in_csys": "Equatorial",
        "in_equinox": "J2000",
        "ra": f"{ra:.6f}d",
        "dec": f"{dec:+.6f}d",
        "radius": "0.5",
        "search_type": "Near Position Search",
    }
    legacy = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "layer": "ls-dr10", "zoom": 16}
    vizier = {"-c": place, "-c.eq": "J2000", "-c.rs": RADIUS_ARCSEC}
    links = [
        Link("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-coo?{urlencode(simbad)}"),
        Link("NED", f"https://ned.ipac.caltech.edu/conesearch?{urlencode(ned)}"),
        Link(
            "Legacy Survey",
            f"https://www.legacysurvey.org/viewer?{urlencode(legacy)}&mark={ra:.6f},{dec:.6f}",
        ),
        Link("VizieR", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-4?{urlencode(vizier)}"),
    ]
    if dec > PS1_SOUTH_DEG:
        ps1 = {"pos": place, "filter": "color", "size": 240}
        links.insert(
            3, Link("PS1", f"https://ps1images.stsci.edu/cgi-bin/ps1cutouts?{urlencode(ps1)}")
        )
    return links


def _at_brokers(name: str, survey: str) -> list[Link]:
    whose = [survey_of(survey)] if survey and name.isdigit() else surveys().values()
    return _declared(whose, name)


def event_links(event: NonLocalizedEvent) -> list[Link]:
    """Return other sites' pages on an event, as the missions declare them."""
    return _declared(missions(), event.event_id)


def _declared(senders: Iterable[Sender], name: str) -> list[Link]:
    matches = (
        (page, re.fullmatch(page.pattern, name)) for sender in senders for page in sender.pages
    )
    return [
        Link(page.name, page.url.format(*map(quote, match.groups())))
        for page, match in matches
        if match
    ]


def detectors_of(sequences: Sequence[EventSequence]) -> list[str]:
    """Name the detectors that the newest message with a list of them says saw the event.

    Each sequence has been given the list of its message as `instruments`.
    """
    for sequence in reversed(sequences):
        names = getattr(sequence, "instruments", None)
        if isinstance(names, list):
            known = {key: full for mission in missions() for key, full in mission.detectors.items()}
            return [known.get(name, name) for name in names if isinstance(name, str)]
    return []
