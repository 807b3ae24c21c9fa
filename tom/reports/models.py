"""The rows of the three kinds of reports, which Django looks for here."""

from tom.reports.hermes.models import Report, ReportState
from tom.reports.notifications.models import Follow, FollowKind, Notification
from tom.reports.paging.models import Channel, Page, PageCause, PageSend, SendState

__all__ = [
    "Channel",
    "Follow",
    "FollowKind",
    "Notification",
    "Page",
    "PageCause",
    "PageSend",
    "Report",
    "ReportState",
    "SendState",
]
