"""What every page needs."""

from django.conf import settings
from django.contrib.auth.context_processors import PermLookupDict, PermWrapper
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tom.reports.notifications.messages import unread_count
from tom.targets.models import Visitor
from tom.web.alarms import alarms_for
from tom.web.changes import newest_id

THEMES = ("dark", "red", "light")


class KnownRights(PermWrapper):
    """A person's rights as templates ask for them: each is looked up once a page.

    A list asks for the same few in each of its rows.
    """

    def __init__(self, user: Visitor) -> None:
        super().__init__(user)
        self._of_applications: dict[str, _KnownOf] = {}

    def __getitem__(self, app_label: str) -> PermLookupDict:
        if app_label not in self._of_applications:
            self._of_applications[app_label] = _KnownOf(self.user, app_label)
        return self._of_applications[app_label]


class _KnownOf(PermLookupDict):
    """The rights of one application."""

    def __init__(self, user: Visitor, app_label: str) -> None:
        super().__init__(user, app_label)
        self._known: dict[str, bool] = {}

    def __getitem__(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = super().__getitem__(name)
        return self._known[name]


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name and colours, the bell's count, alarms, and the practice telescope.

    And where the page stands in what happened, from where its connection goes on.
    """
    theme = request.COOKIES.get("theme", "")
    return {
        "TOM_NAME": settings.TOM_NAME,
        "perms": KnownRights(request.user),
        "practice": settings.PRACTICE_TELESCOPE,
        "theme": theme if theme in THEMES else THEMES[0],
        "unread": SimpleLazyObject(lambda: unread_count(request.user)),
        "alarms": SimpleLazyObject(lambda: alarms_for(request.user)),
        "changes_after": SimpleLazyObject(newest_id),
    }
