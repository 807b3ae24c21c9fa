"""The models of all kinds of reports. Django looks for models here."""

from tom.reports.alarms.answer_channels import AnswerChannel, HandedIn
from tom.reports.alarms.contacts import Channel, Contact, SmsGateway
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, SendState
from tom.reports.alarms.rules import AlarmRule, AlarmStep
from tom.reports.classes.models import ClassMessage, TellState
from tom.reports.gcn.models import CircularDraft, DraftVersion
from tom.reports.hermes.models import Report, ReportState
from tom.reports.notifications.models import Follow, FollowKind, Notification

__all__ = [
    "Alarm",
    "AlarmCause",
    "AlarmRule",
    "AlarmSend",
    "AlarmStep",
    "AnswerChannel",
    "Channel",
    "CircularDraft",
    "ClassMessage",
    "Contact",
    "DraftVersion",
    "Follow",
    "FollowKind",
    "HandedIn",
    "Notification",
    "Report",
    "ReportState",
    "SendState",
    "SmsGateway",
    "TellState",
]
