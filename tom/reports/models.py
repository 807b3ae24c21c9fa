"""The models of all kinds of reports. Django looks for models here."""

from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, Channel, SendState
from tom.reports.gcn.models import CircularDraft, DraftVersion
from tom.reports.hermes.models import Report, ReportState
from tom.reports.notifications.models import Follow, FollowKind, Notification

__all__ = [
    "Alarm",
    "AlarmCause",
    "AlarmSend",
    "Channel",
    "CircularDraft",
    "DraftVersion",
    "Follow",
    "FollowKind",
    "Notification",
    "Report",
    "ReportState",
    "SendState",
]
