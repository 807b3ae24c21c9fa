"""A radius that is set for no survey is said at the start: it would join nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tom.forms.registry import surveys


@register
def check_radii(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Ask that every survey of JOIN_ARCSEC is there; a system check of Django's."""
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
