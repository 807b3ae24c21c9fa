"""The form of an event that a person makes by hand, and what follows from it."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile

from tom import intake
from tom.events.by_hand import Told
from tom.events.models import EventKind, EventSequence, NonLocalizedEvent
from tom.forms.by_hand import MOST_NAME, Circle
from tom.pipeline import ingest, nudge
from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import read_place
from tom.sky.place_tokens import NotAPlaceError
from tom.streams.models import AlertMessage
from tom.web.shift_form import MINUTES

MOST_BYTES: Final = 16_000_000
"""Of a map: a request may be little larger."""
_WORKED_AT_ONCE: Final = 3_000_000
"""Bytes of a message: to read the map of a larger one takes seconds."""
MOST_WHY: Final = 2_000
LONGEST_AGE: Final = timedelta(days=36_500)
UNITS: Final = {"deg": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600}
_TIMES: Final = [f"{MINUTES}:%S.%f", f"{MINUTES}:%S", MINUTES]
_BOX: Final = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}


class TellForm(forms.Form):
    """When and where an event happened: a position with its error, or a map."""

    time = forms.DateTimeField(
        label="Time, UTC",
        input_formats=[*_TIMES, *(each.replace(" ", "T") for each in _TIMES)],
        widget=forms.TextInput(attrs=_BOX | {"placeholder": "YYYY-MM-DD HH:MM:SS"}),
    )
    position = forms.CharField(
        label="Position (as you have it: degrees, hours, J name, Galactic)",
        max_length=400,
        required=False,
        widget=forms.TextInput(attrs=_BOX | {"placeholder": "13:09:48.08 -23:22:53.3"}),
    )
    radius = forms.FloatField(
        label="Radius of its error circle",
        required=False,
        min_value=1e-9,
        max_value=648_000,
        widget=forms.TextInput(attrs=_BOX | {"inputmode": "decimal"}),
    )
    unit = forms.ChoiceField(
        label="in",
        choices=[(name, name) for name in UNITS],
        initial="deg",
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    containment = forms.FloatField(
        label="Chance that the circle holds it, %",
        initial=90,
        min_value=1,
        max_value=99.99,
        widget=forms.TextInput(attrs=_BOX | {"inputmode": "decimal"}),
    )
    map = forms.FileField(
        label=f"or its sky map: a FITS file, gzipped or not, of {MOST_BYTES / 1e6:g} MB at most",
        required=False,
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".fits,.gz,.fit"}),
    )
    why = forms.CharField(
        label="From where you know it (may be empty)",
        max_length=MOST_WHY,
        required=False,
        widget=forms.TextInput(attrs=_BOX),
    )

    def clean_position(self) -> tuple[float, float] | None:
        text = self.cleaned_data["position"].strip()
        if not text:
            return None
        try:
            place = read_place(text)
        except (NotAPlaceError, UnreadablePlaceError) as error:
            why = f"This is not a position: {error}."
            raise forms.ValidationError(why) from error
        return place.ra, place.dec

    def clean_map(self) -> bytes | None:
        uploaded: UploadedFile[bytes] | None = self.cleaned_data["map"]
        if uploaded is None:
            return None
        if (uploaded.size or 0) > MOST_BYTES:
            why = (
                f"The map has {(uploaded.size or 0) / 1e6:.1f} MB, more than "
                f"{MOST_BYTES / 1e6:g} MB. Give its multi-order form, which is smaller: "
                "the command ligo-skymap-unflatten makes it."
            )
            raise forms.ValidationError(why)
        content: bytes = uploaded.read()
        return content

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("position") and data.get("radius") is None and "radius" not in self.errors:
            self.add_error("radius", "A position needs the radius of its error circle.")
        return data

    def told(self) -> Told:
        """What a valid form tells."""
        data = self.cleaned_data
        circle = None
        if data["position"] is not None:
            ra, dec = data["position"]
            circle = Circle(
                ra=ra,
                dec=dec,
                radius_deg=min(data["radius"] * UNITS[data["unit"]], 180.0),
                containment=data["containment"] / 100,
            )
        return Told(time=data["time"], circle=circle, fits=data["map"], why=data["why"])

    def refuse(self, field: str, why: str) -> None:
        """Say at a field why what it tells cannot be used."""
        self.add_error("position" if field == "where" else field, why)


class NewEventForm(TellForm):
    """A new event: its name and its kind, too."""

    field_order = ("name", "kind", "time", "position", "radius", "unit", "containment", "map")
    name = forms.CharField(label="Name", max_length=MOST_NAME, widget=forms.TextInput(attrs=_BOX))
    kind = forms.ChoiceField(
        label="Kind",
        choices=EventKind.choices,
        initial=EventKind.GRB,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    is_test = forms.BooleanField(
        label="It is a test: nothing of it reaches a real telescope, a public topic or an alarm",
        required=False,
    )

    def clean_name(self) -> str:
        """Return the name without its spaces: people write GRB 261120A."""
        return "".join(self.cleaned_data["name"].split())


def initial_of(first: EventSequence, event: NonLocalizedEvent) -> dict[str, Any]:
    """What the form of a correction holds at first."""
    newest = event.sequences.filter(
        sender=first.sender, origin=first.origin_id, details__circle__isnull=False
    ).order_by("-number")
    details = newest.values_list("details", flat=True).first() or {}
    circle = details.get("circle") or {}
    told = {"time": event.time.strftime(_TIMES[0]) if event.time else "", "unit": "deg"}
    if circle:
        told |= {
            "position": f"{circle['ra']} {circle['dec']}",
            "radius": circle["radius_deg"],
            "containment": round(circle["containment"] * 100, 6),
        }
    return told | {"why": details.get("why", "")}


def work_now(message: AlertMessage) -> NonLocalizedEvent | None:
    """Do a kept message's work at once; return its event, None if a worker must do it later.

    That of a message with a large map is a worker's. The task does it if this fails, too, and wakes
    what the changed event calls for.
    """
    if message.size <= _WORKED_AT_ONCE:
        intake.work_message(message.pk)
    nudge(ingest, message.pk)
    rows = EventSequence.objects.filter(message=message.pk).select_related("event")
    row = rows.first()
    return row.event if row else None
