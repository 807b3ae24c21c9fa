"""Alarms: their rules, whom they reach, the SMS gateway, and what became of the last ones."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.pipeline import alarm as send_alarm
from tom.pipeline import nudge
from tom.reports.alarms.alarms import try_contact
from tom.reports.alarms.answer_channels import AnswerChannel
from tom.reports.alarms.contacts import Contact, SmsGateway
from tom.reports.alarms.models import Alarm
from tom.reports.alarms.rules import AlarmRule
from tom.reports.alarms.trying import try_rule
from tom.web.alarm_forms import (
    ContactForm,
    GatewayForm,
    RuleForm,
    judge_steps,
    keep_rule,
    step_forms,
)
from tom.web.people import person
from tom.web.permissions import ACKNOWLEDGE_ALARM, MANAGE_ALARMS
from tom.web.refusals import needs, require

SHOWN = 20
# Of how many past days a rule can be tried.
SPANS = (7, 30, 90, 365)
USUAL_SPAN = 30
TEAM = "team"
FORMS = {"mine": "my_form", TEAM: "team_form"}
NO_ADDRESS = "removed"


@require_safe
def alarm_page(request: HttpRequest) -> HttpResponse:
    """What calls whom, and what became of the last alarms; or the one part that `?part=` names."""
    if request.GET.get("part") == "raised":
        return render(request, "alarms/_raised.html", _raised(request))
    return show_page(request)


def show_page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show the page, with a form that was refused, or with something that is told this once."""
    context = _raised(request) | _contacts(request) | _rules() | more
    return render(request, "alarms/page.html", context, status=status)


def _raised(request: HttpRequest) -> dict[str, Any]:
    rows = Alarm.objects.visible_to(request.user)
    joined = rows.select_related("event", "acknowledged_by", "rule").prefetch_related("sends")
    return {"raised": joined[:SHOWN]}


def _rules() -> dict[str, Any]:
    rules = AlarmRule.objects.standing().select_related("changed_by")
    steps = "steps__people", "steps__contacts"
    gateway = SmsGateway.objects.defer("url", "headers", "body").first()
    return {
        "rules": rules.prefetch_related(*steps),
        "gateway": gateway,
        "answer_channels": AnswerChannel.objects.standing(),
    }


def _contacts(request: HttpRequest) -> dict[str, Any]:
    user = person(request)
    return {
        "mine": Contact.objects.of_person(user),
        "of_team": Contact.objects.of_team(),
        "my_form": ContactForm(person=user, prefix="mine"),
        "team_form": ContactForm(person=None, prefix=TEAM),
    }


# --- Rules --------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_ALARMS)
def rule_new(request: HttpRequest) -> HttpResponse:
    """Write a rule."""
    return _rule_form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_ALARMS)
def rule_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule."""
    return _rule_form(request, get_object_or_404(AlarmRule.objects.standing(), pk=pk))


def _rule_form(request: HttpRequest, rule: AlarmRule | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form, steps = RuleForm(data, instance=rule), step_forms(rule, data)
    context: dict[str, Any] = {"form": form, "steps": steps, "rule": rule}
    context |= {"spans": SPANS, "days": USUAL_SPAN}
    if data is not None and data.get("do") == "try":
        return _try(request, form, context)
    wrong = ""
    if data is not None:
        valid = [each.is_valid() for each in (form, *steps)]
        wrong = judge_steps(steps) if all(valid) else "Not saved: look at what is marked below."
        if not wrong:
            kept = keep_rule(form, steps, by=person(request))
            messages.success(request, f"The rule {kept.name} is saved.")
            return redirect("alarm_page")
    status = 422 if wrong else 200
    return render(request, "alarms/rule.html", context | {"wrong": wrong}, status=status)


def _try(request: HttpRequest, form: RuleForm, context: dict[str, Any]) -> HttpResponse:
    """Say which past events the rule would have called for; nothing is stored."""
    span = request.POST.get("days", "")
    days = next((days for days in SPANS if str(days) == span), USUAL_SPAN)
    if form.errors.keys() - {"name"}:
        context |= {"wrong": "Not tried: look at what is marked below.", "days": days}
        return render(request, "alarms/rule.html", context, status=422)
    form.errors.pop("name", None)  # what is tried needs none
    context |= {"tried": try_rule(form.instance, days=days, now=timezone.now()), "days": days}
    return render(request, "alarms/rule.html", context)


@require_POST
@needs(MANAGE_ALARMS)
def rule_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off."""
    rule = get_object_or_404(AlarmRule.objects.standing(), pk=pk)
    rule.is_on = request.POST.get("to") == "on"
    rule.changed_by = person(request)
    rule.save(update_fields=["is_on", "changed_by", "changed"])
    messages.success(request, f"{rule.name} is {'on' if rule.is_on else 'off'}.")
    return redirect("alarm_page")


@require_POST
@needs(MANAGE_ALARMS)
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a rule; what it raised stays."""
    rule = get_object_or_404(AlarmRule.objects.standing(), pk=pk)
    rule.removed, rule.changed_by = timezone.now(), person(request)
    rule.save(update_fields=["removed", "changed_by", "changed"])
    messages.success(request, f"{rule.name} is removed.")
    return redirect("alarm_page")


# --- Contacts -----------------------------------------------------------------------------------
@sensitive_post_parameters("mine-address", "team-address")
@require_POST
@needs(ACKNOWLEDGE_ALARM)
def contact_add(request: HttpRequest) -> HttpResponse:
    """Add a contact of one's own, or of the team."""
    of_team = request.POST.get("of") == TEAM
    if of_team:
        require(request, MANAGE_ALARMS)
    prefix = TEAM if of_team else "mine"
    form = ContactForm(request.POST, person=None if of_team else person(request), prefix=prefix)
    if not form.is_valid():
        return show_page(request, status=422, **{FORMS[prefix]: form})
    contact = form.keep()
    messages.success(request, f"{contact.name} is saved. Send it a test alarm.")
    return redirect("alarm_page")


@require_POST
@needs(ACKNOWLEDGE_ALARM)
def contact_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a contact; its address is deleted."""
    contact = _own_contact(request, pk)
    Contact.objects.filter(pk=contact.pk).update(removed=timezone.now(), address=NO_ADDRESS)
    messages.success(request, f"{contact.name} is removed.")
    return redirect("alarm_page")


@require_POST
@needs(ACKNOWLEDGE_ALARM)
def contact_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test alarm to a contact."""
    contact = _own_contact(request, pk)
    made = try_contact(contact, by=person(request))
    transaction.on_commit(partial(nudge, send_alarm, made.pk))
    messages.success(request, f"A test alarm to {contact.name} is under way: look below.")
    return redirect("alarm_page")


def _own_contact(request: HttpRequest, pk: int) -> Contact:
    """Find a contact that the person may change: an own one, or the team's."""
    user = person(request)
    rows = Contact.objects.of_person(user)
    if user.has_perm(MANAGE_ALARMS):
        rows |= Contact.objects.of_team()
    return get_object_or_404(rows, pk=pk)


# --- The SMS gateway ----------------------------------------------------------------------------
@sensitive_post_parameters("url", "headers", "body")
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_ALARMS)
def gateway_page(request: HttpRequest) -> HttpResponse:
    """Set the SMS gateway; its secrets are not shown."""
    form = GatewayForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.keep()
        messages.success(request, "The SMS gateway is saved. Send a test alarm by SMS.")
        return redirect("alarm_page")
    context = {"form": form, "gateway": SmsGateway.objects.defer("url", "headers", "body").first()}
    return render(request, "alarms/gateway.html", context, status=422 if form.errors else 200)


@require_POST
@needs(MANAGE_ALARMS)
def gateway_remove(request: HttpRequest) -> HttpResponse:
    """Remove the SMS gateway, with its secrets."""
    SmsGateway.objects.all().delete()
    messages.success(request, "The SMS gateway is removed.")
    return redirect("alarm_page")
