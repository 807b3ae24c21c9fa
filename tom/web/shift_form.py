"""The form of a shift: from when to when, in UTC, and whose it is."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib.auth.models import User

from tom.shifts.services import LONGEST
from tom.web.people import people_here

MINUTES: Final = "%Y-%m-%d %H:%M"
HOURS: Final = (4, 6, 8, 10, 12)


class ShiftForm(forms.Form):
    """A shift that is planned. Only whoever manages the team chooses the person."""

    start = forms.DateTimeField(label="Start, UTC", input_formats=[MINUTES, "%Y-%m-%dT%H:%M"])
    end = forms.DateTimeField(label="End, UTC", input_formats=[MINUTES, "%Y-%m-%dT%H:%M"])
    person = forms.ModelChoiceField(queryset=User.objects.none(), to_field_name="username")

    def __init__(self, data: Any, *, user: User, chooses: bool, now: datetime) -> None:
        start = (now + timedelta(hours=1)).astimezone(UTC).replace(minute=0)
        initial = {
            "start": start.strftime(MINUTES),
            "end": (start + timedelta(hours=8)).strftime(MINUTES),
            "person": user.get_username(),
        }
        super().__init__(data, initial=initial)
        if chooses:
            self.fields["person"].queryset = people_here()  # type: ignore[attr-defined]
        else:
            del self.fields["person"]
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "form-select" if name == "person" else "form-control"}
            field.widget.attrs |= {"autocomplete": "off"}
        for name in ("start", "end"):
            self.fields[name].widget = forms.TextInput(
                attrs={"class": "form-control", "placeholder": "YYYY-MM-DD HH:MM"}
            )


def read_hours(text: str) -> timedelta | None:
    """Read for how many hours a shift is taken; None for no number within the longest shift."""
    if not text.isascii() or not text.isdecimal() or len(text) > 3:
        return None
    given = timedelta(hours=int(text))
    return given if timedelta(0) < given <= LONGEST else None
