"""The routes of the pages and the API."""

from django.urls import include, path, register_converter

from tom.web.account_pages import account, renew
from tom.web.changes import changes
from tom.web.health import health
from tom.web.keys import CircularNumber
from tom.web.views import (
    by_hand,
    chain,
    comments,
    events,
    joining,
    lists,
    lookups,
    messages,
    notifications,
    points,
    redshift,
    reports,
    requests,
    scorers,
    search,
    streams,
    targets,
    team,
    team_changes,
    tonight,
    verdicts,
)
from tom.web.views.invitation import invitation

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
    path("<int:pk>/redshift/", redshift.give_redshift, name="redshift"),
    path("<int:pk>/name/", joining.name_target, name="name"),
    path("<int:pk>/join/", joining.join, name="join"),
    path("<int:pk>/split/", joining.split, name="split"),
    path("<int:pk>/joins/<int:join>/undo/", joining.undo_join, name="undo_join"),
]

team_patterns = [
    path("", team.team, name="team"),
    path("welcome/", team.welcome, name="team_welcome"),
    path("people/<int:pk>/", team.team_person, name="team_person"),
    path("people/<int:pk>/role/", team_changes.give_role, name="team_role"),
    path("people/<int:pk>/groups/", team_changes.choose_groups, name="team_groups"),
    path("people/<int:pk>/switch/", team_changes.switch, name="team_switch"),
    path("groups/", team_changes.group_new, name="team_group_new"),
    path("groups/<int:pk>/", team_changes.group_rename, name="team_group_rename"),
    path("groups/<int:pk>/delete/", team_changes.group_delete, name="team_group_delete"),
    path("programs/", team_changes.program_new, name="team_program_new"),
    path("programs/<int:pk>/", team_changes.program_give, name="team_program_give"),
    path("invitations/", team_changes.invite, name="team_invite"),
    path("invitations/<int:pk>/revoke/", team_changes.revoke, name="team_revoke"),
    path("changes/<int:pk>/undo/", team_changes.undo_change, name="team_undo"),
]

stream_patterns = [
    path("", streams.stream_list, name="stream_list"),
    path("new/", streams.stream_new, name="stream_new"),
    path("<int:pk>/", streams.stream_page, name="stream"),
    path("<int:pk>/start/", streams.start, name="stream_start"),
    path("<int:pk>/stop/", streams.stop, name="stream_stop"),
    path("<int:pk>/test/", streams.test, name="stream_test"),
    path("<int:pk>/delete/", streams.delete, name="stream_delete"),
    path("credentials/<int:pk>/", streams.credential_page, name="stream_credential"),
    path(
        "credentials/<int:pk>/delete/",
        streams.credential_delete,
        name="stream_credential_delete",
    ),
]

urlpatterns = [
    path("", tonight.tonight, name="tonight"),
    path("changes/", changes, name="changes"),
    path("search/", search.search, name="search"),
    path("lookups/", lookups.ask, name="lookup_ask"),
    path("lookups/<int:pk>/", lookups.lookup, name="lookup"),
    path("lookups/answers/<int:pk>/take/", lookups.take_found, name="lookup_take"),
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
    path("alarms/<int:pk>/acknowledge/", reports.acknowledge, name="acknowledge"),
    path("scorers/", scorers.scorer_list, name="scorer_list"),
    path("lists/", lists.list_index, name="list_index"),
    path("lists/<int:pk>/", lists.ranked_list, name="ranked_list"),
    path("streams/", include(stream_patterns)),
    path("follow/", notifications.follow_thing, name="follow"),
    path("team/", include(team_patterns)),
    path("invitation/<str:secret>/", invitation, name="invitation"),
    path("account/", account, name="account"),
    path("account/token/", renew, name="account_renew_token"),
    path("api/", include("tom.web.api.urls")),
    path("health/", health, name="health"),
]
