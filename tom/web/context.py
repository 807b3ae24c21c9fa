"""What every page needs."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tom.reports.notifications import unread_count
from tom.web.live import newest_id

THEMES = ("dark", "red", "light")


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name and colours, whether the practice telescope stands in, the bell's count.

    And where the page stands in what happened, for its live connection to go on from.
    """
    theme = request.COOKIES.get("theme", "")
    return {
        "TOM_NAME": settings.TOM_NAME,
        "practice": settings.PRACTICE_TELESCOPE,
        "theme": theme if theme in THEMES else THEMES[0],
        "unread": SimpleLazyObject(lambda: unread_count(request.user)),
        "live_after": SimpleLazyObject(newest_id),
    }
