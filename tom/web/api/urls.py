"""The routes of the API."""

from django.urls import path

from tom.web.api import (
    alarms,
    answers,
    by_hand,
    circular_drafts,
    efficiency,
    events,
    galaxies,
    lists,
    messages,
    metrics,
    missing,
    names,
    pointings,
    requests,
    shifts,
    streams,
    targets,
    timelines,
)
from tom.web.api.schema import Schema

app_name = "api"
urlpatterns = [
    path("schema/", Schema.as_view(), name="schema"),
    path("events/", by_hand.Events.as_view(), name="events"),
    path("events/<str:event_id>/", events.EventDetail.as_view(), name="event"),
    path("events/<str:event_id>/by-hand/", by_hand.Making.as_view(), name="event_by_hand"),
    path(
        "events/<str:event_id>/candidates/",
        events.CandidateList.as_view(),
        name="candidates",
    ),
    path(
        "events/<str:event_id>/galaxies/",
        galaxies.EventGalaxies.as_view(),
        name="galaxies",
    ),
    path(
        "events/<str:event_id>/pointings/",
        pointings.PointingList.as_view(),
        name="pointings",
    ),
    path(
        "events/<str:event_id>/circular-drafts/",
        circular_drafts.CircularDraftList.as_view(),
        name="circular_drafts",
    ),
    path(
        "circular-drafts/<int:pk>/",
        circular_drafts.CircularDraftDetail.as_view(),
        name="circular_draft",
    ),
    path(
        "events/<str:event_id>/efficiency/",
        efficiency.EventEfficiency.as_view(),
        name="efficiency",
    ),
    path(
        "events/<str:event_id>/timeline/",
        timelines.EventTimeline.as_view(),
        name="event_timeline",
    ),
    path("targets/", targets.TargetList.as_view(), name="targets"),
    path("targets/<int:pk>/", targets.TargetDetail.as_view(), name="target"),
    path("targets/<int:pk>/lightcurve/", targets.LightCurve.as_view(), name="lightcurve"),
    path("targets/<int:pk>/names/", names.name_target, name="names"),
    path("targets/<int:pk>/scores/", targets.ScoreList.as_view(), name="scores"),
    path(
        "targets/<int:pk>/classifications/",
        targets.ClassificationList.as_view(),
        name="classifications",
    ),
    path("targets/<int:pk>/timeline/", targets.TargetTimeline.as_view(), name="timeline"),
    path("targets/<int:pk>/tags/", targets.TagList.as_view(), name="tags"),
    path("targets/<int:pk>/claim/", shifts.TargetClaim.as_view(), name="claim"),
    path("claims/", shifts.ClaimList.as_view(), name="claims"),
    path("alarms/", alarms.AlarmList.as_view(), name="alarms"),
    path("alarms/<int:pk>/", alarms.AlarmDetail.as_view(), name="alarm"),
    path("alarms/<int:pk>/answer/", alarms.answer, name="answer"),
    path("alarm-answers/<int:pk>/", answers.HandIn.as_view(), name="hand_in"),
    path("shifts/", shifts.ShiftList.as_view(), name="shifts"),
    path("lists/", lists.StrategyList.as_view(), name="lists"),
    path("lists/<int:pk>/targets/", lists.ListedTargets.as_view(), name="listed"),
    path("requests/", requests.RequestList.as_view(), name="requests"),
    path("requests/<int:pk>/", requests.RequestDetail.as_view(), name="request"),
    path("requests/<int:pk>/cancel/", requests.cancel_one, name="cancel"),
    path("messages/", messages.MessageList.as_view(), name="messages"),
    path("messages/<int:pk>/", messages.MessageDetail.as_view(), name="message"),
    path(
        "messages/<int:pk>/timelines/",
        messages.MessageTimelines.as_view(),
        name="message_timelines",
    ),
    path("messages/<int:pk>/replay/", messages.replay, name="replay"),
    path("metrics/", metrics.Metrics.as_view(), name="metrics"),
    path("streams/", streams.StreamList.as_view(), name="streams"),
    path("<path:rest>/", missing.missing, name="missing"),
]
