"""LCO, SOAR and the Blanco, behind an OCS Observation Portal."""

from collections.abc import Sequence
from typing import Any

from tom.followup.facilities.contract import Declaration, Facility, Tools
from tom.followup.facilities.ocs.calls import PortalAccess
from tom.followup.facilities.ocs.facility import CAPABILITIES, PortalFacility
from tom.followup.facilities.ocs.instruments import CARDS


def _open(settings: Any, tools: Tools) -> Sequence[Facility]:
    if not settings.OCS_PORTAL_URL:
        return []
    access = PortalAccess(
        url=settings.OCS_PORTAL_URL,
        token=settings.OCS_API_TOKEN,
        proposal=settings.OCS_PROPOSAL,
        is_real=not settings.OCS_PRACTICE,
        poll_seconds=settings.OCS_POLL_SECONDS,
    )
    return [PortalFacility(card, access, tools) for card in CARDS]


DECLARATION = Declaration(CAPABILITIES, names=tuple(card.name for card in CARDS), open=_open)
