"""The channels by which answers to alarms are handed in: make one, and remove it."""

import logging

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tom.reports.alarms.answer_channels import AnswerChannel
from tom.reports.alarms.answering import make_channel, remove_channel
from tom.web.people import person
from tom.web.permissions import MANAGE_ALARMS
from tom.web.refusals import needs
from tom.web.views.alarms import show_page

LONGEST_NAME = 100
logger = logging.getLogger(__name__)


@never_cache
@require_POST
@needs(MANAGE_ALARMS)
def answer_channel_add(request: HttpRequest) -> HttpResponse:
    """Make a channel, and show its secret this once."""
    name = " ".join(request.POST.get("name", "").split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        messages.error(request, f"A name has 1 to {LONGEST_NAME} characters.")
        return redirect("alarm_page")
    try:
        channel, secret = make_channel(name)
    except IntegrityError:
        messages.error(request, "Another channel has this name.")
        return redirect("alarm_page")
    logger.info("Channel of answers made by %s", person(request).get_username())
    address = request.build_absolute_uri(reverse("api:hand_in", args=[channel.pk]))
    return show_page(request, made={"name": name, "secret": secret, "address": address})


@require_POST
@needs(MANAGE_ALARMS)
def answer_channel_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a channel; what it hands in from now on is refused."""
    channel = get_object_or_404(AnswerChannel.objects.standing(), pk=pk)
    remove_channel(channel, now=timezone.now())
    messages.success(request, f"{channel.name} is removed.")
    return redirect("alarm_page")
