"""What every page needs."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tom.reports.notifications.messages import unread_count
from tom.web.alarms import alarms_for
from tom.web.changes import newest_id

THEMES = ("dark", "red", "light")


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name and colours, the bell's count, alarms, and the practice telescope.

    And where the page stands in what happened, from where its connection goes on.
    """
    theme = request.COOKIES.get("theme", "")
    return {
        "TOM_NAME": settings.TOM_NAME,
        "practice": settings.PRACTICE_TELESCOPE,
        "theme": theme if theme in THEMES else THEMES[0],
        "unread": SimpleLazyObject(lambda: unread_count(request.user)),
        "alarms": SimpleLazyObject(lambda: alarms_for(request.user)),
        "changes_after": SimpleLazyObject(newest_id),
    }
