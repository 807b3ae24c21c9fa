"""The forms of alarms: a rule with its steps, a contact, and the SMS gateway."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from tom.reports.alarms.contacts import Channel, Contact, SmsGateway
from tom.reports.alarms.guarded import AddressError, judge_address
from tom.reports.alarms.reaching import BodyError, fill_body, read_headers
from tom.reports.alarms.rules import MOST_STEPS, AlarmRule, AlarmStep, Source
from tom.web.people import people_here

LONGEST_ADDRESS: Final = 1000
MOST_MINUTES: Final = 24 * 60
CHANNELS: Final = (Channel.SMS, Channel.EMAIL, Channel.WEBHOOK)
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_CLASS: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
THRESHOLDS: Final = {
    "far_per_year": "False alarms a year, at most",
    "not_terrestrial": "Chance that it is astrophysical, at least",
    "has_ns": "Chance of a neutron star (HasNS), at least",
    "has_remnant": "Chance of matter outside (HasRemnant), at least",
    "classes": "Classes, such as BNS, NSBH",
    "class_chance": "Chance of these classes together, at least",
    "area_deg2": "Area of the 90% region, at most, deg²",
    "distance_mpc": "Distance, at most, Mpc",
}


def _look(form: forms.BaseForm) -> None:
    """Give each field the look of the site; ids are the names, as everywhere here."""
    for name, field in form.fields.items():
        multiple = isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple)
        is_choice = isinstance(field.widget, forms.Select)
        own = "form-select" if is_choice else "form-control"
        field.widget.attrs |= {"class": "form-check-input" if multiple else own}
        field.widget.attrs |= {"autocomplete": "off"} if not multiple else {}
        field.label = THRESHOLDS.get(name, field.label)


class RuleForm(forms.ModelForm[AlarmRule]):
    """The name, the events and the quiet hours of a rule."""

    sources = forms.MultipleChoiceField(
        label="Kinds of events", choices=Source.choices, widget=forms.CheckboxSelectMultiple
    )
    classes = forms.CharField(required=False, max_length=300)

    class Meta:
        model = AlarmRule
        fields = (
            *("name", "sources", "only_significant", *THRESHOLDS),
            *("quiet_from", "quiet_to", "zone"),
        )
        labels = {
            "only_significant": "Only events that their author calls significant",
            "quiet_from": "Quiet from",
            "quiet_to": "Quiet to",
            "zone": "Time zone of the quiet hours",
        }
        help_texts = dict.fromkeys(("only_significant", "zone", *THRESHOLDS), "")
        widgets = {
            name: forms.TimeInput(attrs={"placeholder": "HH:MM"}, format="%H:%M")
            for name in ("quiet_from", "quiet_to")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("not_terrestrial", "has_ns", "has_remnant", "class_chance"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal"})
        for name in ("far_per_year", "area_deg2", "distance_mpc"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal"})
        self.initial["classes"] = ", ".join(self.instance.classes)
        _look(self)

    @property
    def thresholds(self) -> list[forms.BoundField]:
        return [self[name] for name in THRESHOLDS]

    def clean_classes(self) -> list[str]:
        """Read class names, apart by commas or spaces."""
        names = list(filter(None, re.split(r"[\s,]+", self.cleaned_data["classes"])))
        if any(not _CLASS.fullmatch(name) for name in names):
            message = "Write names of classes, such as BNS, NSBH."
            raise ValidationError(message)
        return names

    def clean_zone(self) -> str:
        """Take only a zone that is known here."""
        zone: str = self.cleaned_data["zone"].strip()
        if zone not in available_timezones():
            message = "Write the name of a time zone, such as Europe/Paris."
            raise ValidationError(message)
        return zone

    def clean(self) -> dict[str, Any]:
        """Judge what belongs together."""
        values: dict[str, Any] = super().clean() or {}
        if (values.get("quiet_from") is None) != (values.get("quiet_to") is None):
            self.add_error("quiet_to", "Quiet hours have a beginning and an end.")
        if bool(values.get("classes")) != (values.get("class_chance") is not None):
            self.add_error("class_chance", "Name classes with their least chance, or neither.")
        name = values.get("name")
        others = AlarmRule.objects.standing().filter(name=name).exclude(pk=self.instance.pk)
        if name and others.exists():
            self.add_error("name", "Another rule has this name.")
        return values


class StepForm(forms.Form):
    """One step of a rule; one that calls nobody is left out."""

    after = forms.IntegerField(
        label="Minutes after the alarm", min_value=0, max_value=MOST_MINUTES, required=False
    )
    on_shift = forms.BooleanField(label="Whoever is on shift", required=False)
    people = forms.ModelMultipleChoiceField(
        label="People", queryset=User.objects.none(), required=False
    )
    contacts = forms.ModelMultipleChoiceField(
        label="Contacts of the team", queryset=Contact.objects.none(), required=False
    )
    channels = forms.MultipleChoiceField(
        label="People are called by",
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people, contacts = self.fields["people"], self.fields["contacts"]
        people.queryset = people_here()  # type: ignore[attr-defined]
        contacts.queryset = Contact.objects.of_team()  # type: ignore[attr-defined]
        for name in ("people", "contacts"):
            self.fields[name].widget.attrs["size"] = 4
        _look(self)

    @property
    def calls(self) -> bool:
        """Whether the step calls anybody."""
        data = self.cleaned_data
        return bool(data["on_shift"] or data["people"] or data["contacts"])

    def clean(self) -> dict[str, Any]:
        """Ask for a channel where people are called."""
        data: dict[str, Any] = super().clean() or {}
        if (data.get("on_shift") or data.get("people")) and not data.get("channels"):
            self.add_error("channels", "Choose how people are called.")
        return data


def step_forms(rule: AlarmRule | None, data: Any = None) -> list[StepForm]:
    """Return the forms of a rule's steps, and an empty one for one more."""
    stored = list(rule.steps.prefetch_related("people", "contacts")) if rule else []
    shown = min(MOST_STEPS, max(2, len(stored) + 1))
    forms_ = []
    for number in range(1, (MOST_STEPS if data is not None else shown) + 1):
        step = stored[number - 1] if number <= len(stored) else None
        initial = _initial(step) if step else {"after": 10 * (number - 1), "channels": CHANNELS}
        forms_.append(StepForm(data, prefix=f"step{number}", initial=initial))
    return forms_


def judge_steps(steps: Sequence[StepForm]) -> str:
    """Say what is wrong with steps that are valid by themselves; "" for nothing."""
    calling = [step for step in steps if step.calls]
    if not calling:
        return "Say whom the rule calls: its first step calls nobody."
    times = [step.cleaned_data["after"] or 0 for step in calling]
    if any(later <= earlier for earlier, later in pairwise(times)):
        return "Each step comes later than the one before it."
    return ""


def keep_rule(form: RuleForm, steps: Sequence[StepForm], *, by: User) -> AlarmRule:
    """Store a rule with its steps. An alarm that is under way calls the new ones."""
    with transaction.atomic():
        form.instance.changed_by = by
        rule = form.save()
        rule.steps.all().delete()
        for number, step in enumerate([step for step in steps if step.calls], 1):
            data = step.cleaned_data
            row = AlarmStep.objects.create(
                rule=rule,
                number=number,
                after_minutes=data["after"] or 0,
                on_shift=data["on_shift"],
                channels=data["channels"],
            )
            row.people.set(data["people"])
            row.contacts.set(data["contacts"])
    return rule


def _initial(step: AlarmStep) -> dict[str, Any]:
    return {
        "after": step.after_minutes,
        "on_shift": step.on_shift,
        "people": [person.pk for person in step.people.all()],
        "contacts": [contact.pk for contact in step.contacts.all()],
        "channels": step.channels,
    }


class ContactForm(forms.Form):
    """A new contact, of a person or of the team."""

    name = forms.CharField(max_length=100)
    channel = forms.ChoiceField(label="By", choices=Channel.choices)
    address = forms.CharField(
        label="E-mail address, webhook, or number as +33612345678", max_length=LONGEST_ADDRESS
    )

    def __init__(self, *args: Any, person: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        _look(self)

    def clean(self) -> dict[str, Any]:
        """Judge the address by its channel, and the name among the person's or the team's."""
        data: dict[str, Any] = super().clean() or {}
        name, channel, address = (data.get(key, "") for key in ("name", "channel", "address"))
        if channel and address:
            why = why_not_address(channel, address)
            if why:
                self.add_error("address", why)
        if Contact.objects.standing().filter(person=self.person, name=name).exists():
            self.add_error("name", "Another contact has this name.")
        return data

    def keep(self) -> Contact:
        return Contact.objects.create(person=self.person, **self.cleaned_data)


def why_not_address(channel: str, address: str) -> str:
    """Say what is wrong with an address for a channel; "" for nothing."""
    try:
        if channel == Channel.EMAIL:
            validate_email(address)
        elif channel == Channel.WEBHOOK:
            judge_address(address)
        elif not _NUMBER.fullmatch(address):
            return "Write the number with its country: +33612345678."
    except (AddressError, ValidationError) as error:
        return str(error) if isinstance(error, AddressError) else "Write an e-mail address."
    return ""


class GatewayForm(forms.Form):
    """The SMS gateway. Its secrets are never shown; each is entered again with each change."""

    name = forms.CharField(max_length=100)
    url = forms.CharField(label="Address that is posted to", max_length=LONGEST_ADDRESS)
    headers = forms.CharField(
        label="Headers, one a line, such as Authorization: Bearer …",
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    body = forms.CharField(
        label="Body, as JSON or a form; {to} is the number, {text} the alarm",
        max_length=4000,
        initial='{"to": "{to}", "text": "{text}"}',
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _look(self)

    def clean_url(self) -> str:
        try:
            return judge_address(self.cleaned_data["url"])
        except AddressError as error:
            raise ValidationError(str(error)) from None

    def clean_headers(self) -> str:
        try:
            read_headers(self.cleaned_data["headers"])
        except BodyError as error:
            raise ValidationError(str(error)) from None
        return str(self.cleaned_data["headers"])

    def clean_body(self) -> str:
        try:
            fill_body(self.cleaned_data["body"], to="+1", text="x")
        except BodyError as error:
            raise ValidationError(str(error)) from None
        return str(self.cleaned_data["body"])

    def keep(self) -> None:
        SmsGateway.objects.update_or_create(pk=1, defaults=self.cleaned_data)
