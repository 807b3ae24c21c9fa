"""The routes of the pages and the API."""

from django.urls import include, path, register_converter

from tom.web.account_pages import account, renew
from tom.web.health import health
from tom.web.keys import CircularNumber
from tom.web.live import live
from tom.web.views import (
    by_hand,
    chain,
    comments,
    events,
    messages,
    notifications,
    points,
    reports,
    requests,
    search,
    targets,
    tonight,
    verdicts,
)

register_converter(CircularNumber, "circular")

# The names that TOM Toolkit's models reverse.
target_patterns = [
    path("", targets.target_list, name="list"),
    path("new/", by_hand.target_new, name="new"),
    path("<int:pk>/", targets.target, name="detail"),
    path("<int:pk>/photometry/", by_hand.photometry, name="photometry"),
    path("<int:pk>/photometry/<int:upload>/undo/", by_hand.photometry_undo, name="photometry_undo"),
    path("<int:pk>/lightcurve.json", targets.lightcurve, name="lightcurve"),
    path("<int:pk>/points/", points.points, name="points"),
    path("<int:pk>/points.csv", points.points_csv, name="points_csv"),
    path("<int:pk>/cutouts/<slug:kind>.png", targets.cutout, name="cutout"),
    path("<int:pk>/comment/", comments.comment, name="comment"),
]

urlpatterns = [
    path("", tonight.tonight, name="tonight"),
    path("live/", live, name="live"),
    path("search/", search.search, name="search"),
    path("events/", events.event_list, name="event_list"),
    path("events/<str:event_id>/", events.event, name="event"),
    path("events/<str:event_id>/tell/", reports.tell_event, name="tell"),
    path(
        "events/<str:event_id>/messages/<int:pk>/aside/",
        chain.set_message_aside,
        name="set_message_aside",
    ),
    path("events/<str:event_id>/going-on/", requests.going_on, name="going_on"),
    path("events/<str:event_id>/pin/", events.pin, name="pin"),
    path("events/<str:event_id>/candidates.csv", events.candidates_csv, name="candidates_csv"),
    path("events/<str:event_id>/candidates/<int:pk>/vet/", verdicts.vet_candidate, name="vet"),
    path("events/<str:event_id>/candidates/<int:pk>/bar/", verdicts.bar, name="verdict_bar"),
    path("verdicts/undo/", verdicts.undo_verdict, name="undo_verdict"),
    path("targets/", include((target_patterns, "targets"))),
    path("targets/<int:pk>/request/", requests.request_new, name="request_new"),
    path("requests/", requests.request_list, name="request_list"),
    path("requests/switch/", requests.switch_sending, name="switch_sending"),
    path("requests/<int:pk>/", requests.request_page, name="request"),
    path("requests/<int:pk>/cancel/", requests.request_cancel, name="request_cancel"),
    path("requests/<int:pk>/release/", requests.request_release, name="request_release"),
    path("messages/", messages.message_list, name="message_list"),
    path("messages/replay/", messages.replay_all, name="message_replay_all"),
    path("messages/<int:pk>/", messages.message, name="message"),
    path("messages/<int:pk>/bytes/", messages.message_bytes, name="message_bytes"),
    path("messages/<int:pk>/replay/", messages.replay, name="message_replay"),
    path("circulars/<circular:number>/", messages.circular, name="circular"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/bell/", notifications.bell, name="bell"),
    path("notifications/alarms/", notifications.alarms, name="alarms"),
    path("notifications/read/", notifications.read_all, name="notifications_read"),
    path("notifications/<int:pk>/", notifications.read_notification, name="notification_read"),
    path("reports/<int:pk>/", reports.report_page, name="report"),
    path("reports/<int:pk>/confirm/", reports.report_confirm, name="report_confirm"),
    path("reports/<int:pk>/retry/", reports.report_retry, name="report_retry"),
    path("reports/<int:pk>/discard/", reports.report_discard, name="report_discard"),
    path("pages/<int:pk>/acknowledge/", reports.acknowledge, name="acknowledge"),
    path("follow/", notifications.follow_thing, name="follow"),
    path("account/", account, name="account"),
    path("account/token/", renew, name="account_renew_token"),
    path("api/", include("tom.web.api.urls")),
    path("health/", health, name="health"),
]
