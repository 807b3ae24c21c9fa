"""Report at the start a radius that is set for an unknown survey: it would join nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tom.forms.registry import surveys


@register
def check_radii(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Check that every survey of JOIN_ARCSEC exists; a system check of Django's."""
    there = surveys()
    return [
        Error(
            f"JOIN_ARCSEC names no survey {name!r}; there are {', '.join(sorted(there))}",
            hint="correct JOIN_ARCSEC",
            id="targets.E001",
        )
        for name in settings.JOIN_ARCSEC
        if name not in there
    ]
