"""The practice telescope: it observes nothing, and completes a request in seconds."""

from collections.abc import Sequence
from typing import Any

from tom.followup.facilities.contract import Declaration, Facility, Tools
from tom.followup.facilities.practice.facility import CAPABILITIES, PracticeTelescope
from tom.followup.facilities.practice.instruments import NAME


def _open(settings: Any, tools: Tools) -> Sequence[Facility]:
    if not settings.PRACTICE_TELESCOPE:
        return []
    return [PracticeTelescope(settings.PRACTICE_STEP_SECONDS, tools)]


DECLARATION = Declaration(CAPABILITIES, names=(NAME,), open=_open)
