"""Who may do what: the permissions that the pages and the API ask for, and the group that has them.

A user without a group sees what is public and changes nothing. Whose private targets one sees
is no matter of these: TOM Toolkit's object permissions say it, group by group. Never give
`tom_targets.view_target` here: as a permission on the model it would open every private target.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission

OBSERVERS = "Observers"

REQUEST_OBSERVATION = "followup.add_observationrequest"
CANCEL_REQUEST = "followup.change_observationrequest"
VET_CANDIDATE = "candidates.change_eventcandidate"
PIN_LOCALIZATION = "events.change_nonlocalizedevent"
SET_ASIDE_MESSAGE = "events.change_eventsequence"
COMMENT = "django_comments.add_comment"
VIEW_MESSAGES = "streams.view_alertmessage"
REPLAY_MESSAGE = "streams.replay_alertmessage"
FOLLOW = "reports.add_follow"
TELL = "reports.add_report"
ACKNOWLEDGE_PAGE = "reports.change_page"
MAKE_TARGET = "targets.add_targetsummary"
UPLOAD_POINTS = "targets.add_pointupload"

OBSERVERS_MAY = (
    REQUEST_OBSERVATION,
    CANCEL_REQUEST,
    VET_CANDIDATE,
    PIN_LOCALIZATION,
    SET_ASIDE_MESSAGE,
    COMMENT,
    VIEW_MESSAGES,
    REPLAY_MESSAGE,
    FOLLOW,
    TELL,
    ACKNOWLEDGE_PAGE,
    MAKE_TARGET,
    UPLOAD_POINTS,
)


def ensure_roles() -> Group:
    """Make the group `Observers` and give it what observers may do.

    It only adds: what an administrator gave the group besides stays. A permission whose table
    is not there yet (in the middle of a migration) comes with the next call.
    """
    observers, _ = Group.objects.get_or_create(name=OBSERVERS)
    observers.permissions.add(*find_permissions(OBSERVERS_MAY))
    return observers


def find_permissions(names: Iterable[str]) -> list[Permission]:
    """Find the permissions named `app.codename`."""
    wanted = set(names)
    codenames = {name.partition(".")[2] for name in wanted}
    found = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    return [row for row in found if f"{row.content_type.app_label}.{row.codename}" in wanted]
