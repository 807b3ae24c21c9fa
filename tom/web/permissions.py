"""Who may do what: the permissions that pages and API ask for, and the groups that have them.

A user without a group sees what is public and changes nothing. Whose private targets one sees
is no matter of these: TOM Toolkit's object permissions say it, group by group. Never give
`tom_targets.view_target` here: as a permission on the model it would open every private target.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission

OBSERVERS = "Observers"
LEADS = "Leads"

COMPARE_STRATEGIES = "ranking.add_comparison"
MAKE_LIST = "strategies.add_strategy"
CHANGE_LIST = "strategies.change_strategy"
DELETE_LIST = "strategies.delete_strategy"
REQUEST_OBSERVATION = "followup.add_observationrequest"
CANCEL_REQUEST = "followup.change_observationrequest"
VET_CANDIDATE = "candidates.change_eventcandidate"
MAKE_EVENT = "events.add_nonlocalizedevent"
PIN_LOCALIZATION = "events.change_nonlocalizedevent"
JOIN_EVENTS = "events.add_eventjoin"
SET_ASIDE_MESSAGE = "events.change_eventsequence"
COMMENT = "django_comments.add_comment"
VIEW_MESSAGES = "streams.view_alertmessage"
REPLAY_MESSAGE = "streams.replay_alertmessage"
VIEW_STREAMS = "streams.view_stream"
MANAGE_STREAMS = "streams.change_stream"
FOLLOW = "reports.add_follow"
TELL = "reports.add_report"
ACKNOWLEDGE_ALARM = "reports.change_alarm"
MANAGE_ALARMS = "reports.change_alarmrule"
TAKE_SHIFT = "shifts.add_shift"
MAKE_TARGET = "targets.add_targetsummary"
UPLOAD_POINTS = "targets.add_pointupload"
UPLOAD_POINTINGS = "pointings.add_pointingtable"
ADD_SCORERS = "scoring.add_ownscorer"
SWITCH_SENDING = "followup.change_outboxswitch"
MANAGE_TEAM = "web.manage_team"
# No group is given these: administrators may do everything.
MANAGE_EVERYBODY = "auth.change_user"
ADD_CODE = "scoring.add_code"
READ_PACKET = "streams.read_packet"
UNDO_ANY_UPLOAD = "targets.delete_pointupload"

# What each lets a person do, in words that follow "may".
WORDS = {
    REQUEST_OBSERVATION: "ask a telescope for observations",
    CANCEL_REQUEST: "cancel requests",
    VET_CANDIDATE: "give verdicts on candidates",
    COMMENT: "comment on targets",
    COMPARE_STRATEGIES: "compare strategies on past nights",
    MAKE_LIST: "make lists",
    CHANGE_LIST: "change what lists look for, and bring earlier settings back",
    DELETE_LIST: "delete lists that ranked nothing yet",
    FOLLOW: "follow events, targets and topics",
    ACKNOWLEDGE_ALARM: "answer alarms",
    MANAGE_ALARMS: "write the rules of alarms, and set the team's contacts and the SMS gateway",
    TAKE_SHIFT: "take shifts, and claim targets",
    TELL: "report candidates to others",
    MAKE_TARGET: "ask brokers, make, name, join and split targets, and give classes and redshifts",
    UPLOAD_POINTS: "upload photometry and spectra",
    UPLOAD_POINTINGS: "upload pointings of telescopes, and ask other services for them",
    MAKE_EVENT: "make events by hand",
    PIN_LOCALIZATION: "choose the sky map of an event",
    SET_ASIDE_MESSAGE: "set a message of an event aside",
    JOIN_EVENTS: "say that two events are one, and take them apart",
    VIEW_MESSAGES: "read the messages of the streams",
    REPLAY_MESSAGE: "replay messages",
    VIEW_STREAMS: "see what the streams do",
    MANAGE_STREAMS: "add, change, start and stop streams, and keep their credentials",
    ADD_SCORERS: "add scorers, let them weigh and switch them off",
    ADD_CODE: "add filters in Python, which run on this machine",
    SWITCH_SENDING: "stop and resume all sending",
    MANAGE_TEAM: "invite people, give roles, and manage one's own groups and programs",
    MANAGE_EVERYBODY: "manage administrators, every group and every program",
    READ_PACKET: "read the bytes of a survey's packets",
    UNDO_ANY_UPLOAD: "take back what others uploaded",
}

OBSERVERS_MAY = (
    REQUEST_OBSERVATION,
    CANCEL_REQUEST,
    VET_CANDIDATE,
    MAKE_EVENT,
    PIN_LOCALIZATION,
    SET_ASIDE_MESSAGE,
    JOIN_EVENTS,
    COMMENT,
    COMPARE_STRATEGIES,
    VIEW_MESSAGES,
    REPLAY_MESSAGE,
    VIEW_STREAMS,
    FOLLOW,
    TELL,
    ACKNOWLEDGE_ALARM,
    TAKE_SHIFT,
    MAKE_TARGET,
    UPLOAD_POINTS,
    UPLOAD_POINTINGS,
)
# Beside what observers may: leads are observers, too.
LEADS_MAY = (
    SWITCH_SENDING,
    MANAGE_TEAM,
    MANAGE_STREAMS,
    MANAGE_ALARMS,
    ADD_SCORERS,
    MAKE_LIST,
    CHANGE_LIST,
    DELETE_LIST,
)


def ensure_roles() -> Group:
    """Make the groups of the roles and give them what these may do; return `Observers`.

    It only adds: what an administrator gave a group besides stays. A permission whose table
    is not there yet (in the middle of a migration) comes with the next call.
    """
    observers, _ = Group.objects.get_or_create(name=OBSERVERS)
    observers.permissions.add(*find_permissions(OBSERVERS_MAY))
    leads, _ = Group.objects.get_or_create(name=LEADS)
    leads.permissions.add(*find_permissions(LEADS_MAY))
    return observers


def find_permissions(names: Iterable[str]) -> list[Permission]:
    """Find the permissions named `app.codename`."""
    wanted = set(names)
    codenames = {name.partition(".")[2] for name in wanted}
    found = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    return [row for row in found if f"{row.content_type.app_label}.{row.codename}" in wanted]
