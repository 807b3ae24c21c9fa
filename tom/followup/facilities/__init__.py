"""The facilities that the settings offer."""

from collections.abc import Mapping

from django.conf import settings

from tom.followup.facilities.contract import Call, Facility, Recorder
from tom.followup.facilities.instruments import BLANCO, LCO, PRACTICE, SOAR, FacilityCard
from tom.followup.facilities.ocs import PortalFacility
from tom.followup.facilities.portal_calls import PortalAccess
from tom.followup.facilities.practice import PracticeTelescope

PORTAL_CARDS: tuple[FacilityCard, ...] = (LCO, SOAR, BLANCO)


class UnknownFacilityError(LookupError):
    """No facility of this name is configured."""


def keep_nothing(_call: Call) -> None:
    """Record no call: for reading what a facility offers."""


def get_facility(name: str, *, record: Recorder = keep_nothing) -> Facility:
    """Return the facility of this name; its calls go to `record`.

    Raises
    ------
    UnknownFacilityError
        If the settings offer none.
    """
    try:
        return available_facilities(record=record)[name]
    except KeyError:
        msg = f"no facility {name!r} is configured"
        raise UnknownFacilityError(msg) from None


def available_facilities(*, record: Recorder = keep_nothing) -> Mapping[str, Facility]:
    """Return the configured facilities by name, real ones first."""
    found: dict[str, Facility] = {}
    if settings.OCS_PORTAL_URL:
        access = PortalAccess(
            url=settings.OCS_PORTAL_URL,
            token=settings.OCS_API_TOKEN,
            proposal=settings.OCS_PROPOSAL,
            is_real=not settings.OCS_PRACTICE,
            poll_seconds=settings.OCS_POLL_SECONDS,
        )
        for card in PORTAL_CARDS:
            found[card.name] = PortalFacility(card, access, record)
    if settings.PRACTICE_TELESCOPE:
        found[PRACTICE.name] = PracticeTelescope(settings.PRACTICE_STEP_SECONDS, record)
    return found
