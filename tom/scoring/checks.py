"""Report at the start, not at the first alert, a scorer or a weight that cannot be used."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from tom.scoring.registry import load_scorers


@register
def check_scorers(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Load every scorer once, as a system check of Django."""
    try:
        load_scorers(settings.SCORERS, weights=settings.SCORER_WEIGHTS)
    except Exception as error:  # noqa: BLE001  a plugin is anybody's code
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        message = f"the scorers cannot be loaded: {kind}{error}"
        hint = "correct SCORERS, SCORER_WEIGHTS or the plugin; see ml_plugins/README.md"
        return [Error(message, hint=hint, id="scoring.E001")]
    return []
