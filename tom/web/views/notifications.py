"""The bell: news of what a person follows, and what they follow."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from tom.reports.notifications.follows import CannotFollowError, follow, unfollow
from tom.reports.notifications.handed_scans import handed_list
from tom.reports.notifications.messages import mark_all_read, mark_read
from tom.reports.notifications.models import Follow, Notification
from tom.targets.visible import visible_targets
from tom.web.addresses import local_address
from tom.web.message_outcome import event_of
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.permissions import FOLLOW, VIEW_MESSAGES
from tom.web.refusals import needs

LONGEST_VALUE = 255


@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """A person's notifications, the newest first, and what they follow."""
    rows = Notification.objects.visible_to(request.user).select_related("event", "target")
    context = {"page": page_of(request, rows)}
    if request.GET.get("part") == "list":
        return render(request, "notifications/_list.html", context)
    follows = list(Follow.objects.of(request.user))
    wanted = [int(row.value) for row in follows if row.kind == "target"]
    names = dict(visible_targets(request.user).filter(pk__in=wanted).values_list("pk", "name"))
    for row in follows:
        row.label = names.get(int(row.value), "") if row.kind == "target" else row.value  # type: ignore[attr-defined]
    return render(request, "notifications/page.html", context | {"follows": follows})


@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with its count."""
    return render(request, "web/_bell.html")


@require_safe
def alarms(request: HttpRequest) -> HttpResponse:
    """The bar of alarms on every page."""
    return render(request, "web/_alarms.html")


@require_POST
def read_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one notification read and go to what it is about."""
    rows = Notification.objects.visible_to(request.user).select_related("event")
    found = get_object_or_404(rows, pk=pk)
    mark_read(found)
    return redirect(_about(request, found))


def _about(request: HttpRequest, found: Notification) -> str:
    if found.target_id is not None:
        return reverse("targets:detail", args=[found.target_id])
    if found.event is not None:
        return reverse("event", args=[found.event.event_id])
    if (strategy := handed_list(found)) is not None:
        return reverse("list_scan", args=[strategy.pk])
    if found.message_id is not None and (event_id := event_of(found.message_id)):
        return reverse("event", args=[event_id])
    if found.message_id is not None and person(request).has_perm(VIEW_MESSAGES):
        return reverse("message", args=[found.message_id])
    return reverse("notifications")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all read."""
    mark_all_read(person(request))
    return redirect("notifications")


@require_POST
@needs(FOLLOW)
def follow_thing(request: HttpRequest) -> HttpResponse:
    """Follow a topic, an event or a target; with `stop`, no longer."""
    user, kind = person(request), request.POST.get("kind", "")
    value, stop = request.POST.get("value", "").strip(), "stop" in request.POST
    if len(value) > LONGEST_VALUE:
        messages.error(request, "Not followed: the name is too long.")
        return redirect("notifications")
    try:
        if stop:
            unfollow(user, kind=kind, value=value)
        else:
            follow(user, kind=kind, value=value)
    except CannotFollowError as error:
        messages.error(request, f"Not followed: {error}.")
        return redirect("notifications")
    if request.headers.get("HX-Request"):
        context = {"follow_kind": kind, "follow_value": value, "following": not stop}
        return render(request, "web/_follow.html", context)
    back = local_address(request, request.POST.get("next", ""), otherwise=reverse("notifications"))
    return HttpResponseRedirect(back)
