"""The form of a strategy: what a list looks for, by which evidence, and who sees it."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.datastructures import MultiValueDict

from tom.events.models import EventKind
from tom.ranking.basis import of_lists_without_event
from tom.ranking.terms import TERMS
from tom.scoring.opinions import ranked_classes
from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import read_place
from tom.sky.place_tokens import NotAPlaceError
from tom.strategies.models import TAKEN, Strategy
from tom.strategies.versions import LONGEST_NOTE, settings_of
from tom.strategies.watching import Watched, WatchList
from tom.taxonomy import ROOTS, WIDER, find_class, lineage, nearest_class
from tom.web.strategy_scorers import Weigher, orderers_for, weighers_for
from tom.web.team.groups import groups_to_choose
from tom.web.templatetags.sky import words
from tom.web.watched_text import USUAL_RADIUS_ARCSEC, read_places, write_places

NO_EVENT: Final = "no event: one list of targets"
BY_CHANCE: Final = "chances, of what it looks for"
ALONE: Final = "with no other"
MOST_CLASSES: Final = 20
EMPTY_INPUTS: Final = 2
LARGEST_NUMBER: Final = 2**31 - 1
TERM_WORDS: Final = {
    "sky map": "How probable the map of the event makes the place.",
    "distance": "The galaxies at the place, and how well they fit the distance of the map.",
    "brightness": "Whether a kilonova at that distance would be so bright.",
    "later light": "How the light went on after the event: magnitudes and limits.",
    "star": "A star at the same place is the more likely cause.",
    "earlier activity": "Light at the place before the event.",
    "minor planet": "A known minor planet at the same place is the more likely cause.",
}
"""What each term weighs, in a line."""

# What a form has for the lists of events alone, and for a list without an event alone.
OF_EVENTS: Final = ("days_after", "level_stored", "level_shown")
WITHOUT_EVENT: Final = (
    *("prior", "brighter_than", "first_seen_days", "place", "radius_deg"),
    *("watched", "with_tests", "explore", "group", "active", "by", "within"),
)
_NUMBERS: Final = (
    *("prior", "days_before", "days_after", "level_stored", "level_shown", "brighter_than"),
    *("first_seen_days", "radius_deg", "explore"),
)
_LABELS: Final = {
    "kind": "Makes the list of each",
    "prior": "Chance of any one target before all evidence",
    "days_before": "Days back",
    "days_after": "Days after the event",
    "level_stored": "Credible level up to which candidates are kept",
    "level_shown": "Credible level that the list shows at first",
    "brighter_than": "Brighter than (AB mag)",
    "first_seen_days": "First seen in the last (days)",
    "radius_deg": "Radius (degrees)",
    "with_tests": "Also targets that are known from tests alone",
    "explore": "Share of the looks of a night that go to targets drawn at random",
    "by": "In the order of",
    "within": "Compared",
    "group": "Seen by",
    "active": "The list is made",
}
_HELP: Final = {
    "kind": "A kind of event has one strategy.",
    "prior": "Above 0, below 1. Empty: that of the site, in grey.",
    "days_before": (
        "The last detection is no earlier than so many days before the event; without an event:"
        " before now. Empty: at any time."
    ),
    "days_after": "The first detection is no later. Empty: at any time.",
    "level_stored": "Above 0, at most 1.",
    "level_shown": "Above 0, at most the level that is kept.",
    "brighter_than": "What it reached in the days back. Empty: any.",
    "first_seen_days": "Empty: at any time.",
    "radius_deg": "Up to 180.",
    "explore": "0 to 1. Empty: none are drawn.",
    "by": "By a number, the largest comes first: chances, terms, weights count for nothing.",
    "within": "Of a number: how far it lies above what is usual for the class of the target.",
    "active": "Switched off, it is kept and can be compared on past nights.",
}


class TermBox(NamedTuple):
    """A term's box to tick, with what it weighs, and whether only an event's list knows it."""

    tag: str
    name: str
    words: str
    needs_event: bool


class ScorerRow(NamedTuple):
    """A scorer, the field of its weight, and those of its classes that count for what is sought."""

    scorer: Weigher
    field: forms.BoundField
    counts: tuple[str, ...]


class ManyInputs(forms.TextInput):
    """Several inputs of one name."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Return what each of them has."""
        is_many = isinstance(data, MultiValueDict)
        return list(data.getlist(name)) if is_many else list(data.get(name, ()))


class ClassesField(forms.Field):
    """Classes as people write them, each in an input of its own or several apart by commas."""

    widget = ManyInputs

    def clean(self, value: list[str]) -> list[str]:
        """Return our names of the classes, each once."""
        typed = [name.strip() for text in value for name in text.split(",") if name.strip()]
        if not typed:
            message = "Name at least one class."
            raise ValidationError(message)
        if len(typed) > MOST_CLASSES:
            message = f"Name at most {MOST_CLASSES} classes."
            raise ValidationError(message)
        wrong = [_no_class(name) for name in typed if find_class(name) is None]
        if wrong:
            raise ValidationError(wrong)
        return list(dict.fromkeys(filter(None, map(find_class, typed))))


def class_options() -> list[tuple[str, str]]:
    """Return each class of the taxonomy, and the wider ones that hold it."""
    return [(name, ", ".join(lineage(name)[1:])) for name in (*WIDER, *ROOTS)]


def _no_class(name: str) -> str:
    meant = nearest_class(name)
    hint = f"Do you mean {meant}?" if meant else "Choose among those that the field offers."
    return f"There is no class “{name[:64]}”. {hint}"


class StrategyForm(forms.ModelForm[Strategy]):
    """A strategy as it is typed.

    What stands under a heading of the other kind of list is not kept.
    """

    sought = ClassesField(label="Classes")
    terms = forms.MultipleChoiceField(
        choices=[(term.NAME, term.NAME) for term in TERMS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    place = forms.CharField(
        label="Middle of the region",
        max_length=400,
        required=False,
        help_text="Degrees, hours or a J name. Empty: all the sky.",
    )
    watched = forms.CharField(
        label="Watched places",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=(
            "One a line: name, place, radius in arcsec. Without a radius:"
            f" {USUAL_RADIUS_ARCSEC:g} arcsec. The place is in degrees, in hours or a J name. A"
            " public target's name alone takes the place that it has now. A line that begins with"
            " # says nothing. Empty: anywhere. If there is a region, too, both hold."
        ),
    )
    shown = forms.IntegerField(
        required=False, min_value=0, max_value=LARGEST_NUMBER, widget=forms.HiddenInput
    )
    note = forms.CharField(
        label="Why",
        max_length=LONGEST_NOTE,
        required=False,
        help_text="It stands in the history.",
    )

    class Meta:
        model = Strategy
        fields = (
            *("name", "kind", "sought", "prior", "terms", "days_before", "days_after"),
            *("level_stored", "level_shown", "brighter_than", "first_seen_days"),
            *("radius_deg", "with_tests", "explore", "group", "active", "by", "within"),
        )
        labels = _LABELS
        help_texts = dict.fromkeys(fields, "") | _HELP

    def __init__(self, *args: Any, user: User, shown: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self._place = _place_text(self.instance)
        watched = self.instance.watched
        self.initial.update(
            shown=shown,
            place=self._place,
            watched="" if watched is None else write_places(watched.watched),
        )
        self.weighers = weighers_for(user, self.instance.weights)
        self._choose_kinds()
        self._choose_groups(user)
        self._choose_orders(user)
        for name in _NUMBERS:
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal"})
            self.fields[name].required = False
            self.initial[name] = _typed(self.initial.get(name))
        self._add_weights()
        self._look()

    def _choose_kinds(self) -> None:
        others = Strategy.objects.exclude(pk=self.instance.pk)
        taken = set(others.values_list("kind", flat=True))
        free = [(kind.value, kind.label.lower()) for kind in EventKind if kind not in taken]
        self.fields["kind"] = forms.ChoiceField(
            choices=[("", NO_EVENT), *free],
            required=False,
            label=_LABELS["kind"],
            help_text=_HELP["kind"],
            error_messages={"invalid_choice": "This kind of event has a strategy: change that."},
        )

    def _choose_groups(self, user: User) -> None:
        own = [group.pk for group in groups_to_choose(user)]
        is_open = Q(pk__in=own) | Q(pk=self.instance.group_id)
        groups = Group.objects.filter(is_open).order_by("name")
        self.fields["group"] = forms.ModelChoiceField(
            groups, label=_LABELS["group"], required=False, empty_label="everyone"
        )

    def _choose_orders(self, user: User) -> None:
        of_number, of_class = orderers_for(user)
        self._owners = {each.name: each.group_id for each in (*of_number, *of_class)}
        for name, empty, text, found in (
            ("by", BY_CHANCE, "the number of {}", of_number),
            ("within", ALONE, "with its class, as {} says it", of_class),
        ):
            chosen = getattr(self.instance, name)
            known = {each.name: text.format(words(each.name)) for each in found}
            if chosen and chosen not in known:
                known[chosen] = text.format(f"{words(chosen)}, which is not here")
            self.fields[name] = forms.ChoiceField(
                choices=[("", empty), *known.items()],
                required=False,
                label=_LABELS[name],
                help_text=_HELP[name],
            )

    def _add_weights(self) -> None:
        for scorer in self.weighers:
            key = _key(scorer)
            self.fields[key] = forms.FloatField(
                required=False,
                min_value=0,
                max_value=1,
                label=f"Weight of {scorer.name}",
                widget=forms.TextInput(
                    attrs={"inputmode": "decimal", "placeholder": scorer.site_weight}
                ),
            )
            self.initial[key] = _typed(self.instance.weights.get(scorer.name))

    def _look(self) -> None:
        self.fields["prior"].widget.attrs["placeholder"] = _typed(settings.CANDIDATE_PRIOR)
        self.fields["place"].widget.attrs["placeholder"] = "13:09:48.08 -23:22:53.3"
        self.fields["watched"].widget.attrs["placeholder"] = "NGC 4993, 13:09:47.7 -23:23:02, 30"
        for field in self.fields.values():
            is_box = isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple)
            is_choice = isinstance(field.widget, forms.Select) and not is_box
            look = "form-check-input" if is_box else "form-select" if is_choice else "form-control"
            field.widget.attrs |= {"class": look}
            if not is_box:
                field.widget.attrs |= {"autocomplete": "off"}

    # --- What is shown ------------------------------------------------------------------------
    @property
    def sought_inputs(self) -> list[str]:
        """What each input of a class holds; the last ones are empty."""
        value: Iterable[str] = self["sought"].value() or ()
        return [*(text for text in value if text.strip()), *[""] * EMPTY_INPUTS]

    @property
    def term_boxes(self) -> list[TermBox]:
        """The boxes of the terms."""
        known = of_lists_without_event()
        return [
            TermBox(box.tag(), term.NAME, TERM_WORDS[term.NAME], term.NAME not in known)
            for term, box in zip(TERMS, self["terms"], strict=True)
        ]

    @property
    def counted_classes(self) -> list[str]:
        """The classes that are in the form: those that it was opened with, or that were sent."""
        typed = ",".join(self["sought"].value() or ()).split(",")
        return list(dict.fromkeys(filter(None, map(find_class, typed))))

    @property
    def scorer_rows(self) -> list[ScorerRow]:
        """The scorers with the fields of their weights."""
        sought = self.counted_classes
        return [
            ScorerRow(
                scorer=each,
                field=self[_key(each)],
                counts=ranked_classes(each.spec, sought) if each.spec and sought else (),
            )
            for each in self.weighers
        ]

    # --- What is read -------------------------------------------------------------------------
    def clean_name(self) -> str:
        """Refuse a name that cannot be told from another list's."""
        name = str(self.cleaned_data["name"])
        if not name.isprintable():
            message = "The name has characters that are not shown."
            raise ValidationError(message)
        others = Strategy.objects.exclude(pk=self.instance.pk)
        if others.filter(name__iexact=name).exists():
            raise ValidationError(TAKEN)
        return name

    def clean_place(self) -> tuple[float, float] | None:
        """Read the middle of the region; one that was not touched stays exactly as it is."""
        text = self.cleaned_data["place"].strip()
        if not text:
            return None
        ra, dec = self.instance.ra, self.instance.dec
        if text == self._place and ra is not None and dec is not None:
            return ra, dec
        try:
            place = read_place(text)
        except (NotAPlaceError, UnreadablePlaceError) as error:
            message = f"This is not a position: {error}."
            raise ValidationError(message) from error
        return place.ra, place.dec

    def clean_watched(self) -> list[Watched]:
        """Read the places that are watched."""
        return read_places(self.cleaned_data["watched"], self._user)

    def clean(self) -> dict[str, Any]:
        """Leave out what is of the other kind of list, and judge what belongs together."""
        told = super().clean() or self.cleaned_data
        if told.get("kind"):
            self._leave_out(told, WITHOUT_EVENT)
            told |= {"with_tests": False, "active": True}
        else:
            self._leave_out(told, OF_EVENTS)
            self._refuse_terms_of_events(told.get("terms") or [])
            self._refuse_orders_of_others(told)
        usual = Strategy()
        for name in ("level_stored", "level_shown", "explore"):
            if told.get(name) is None:
                told[name] = getattr(usual, name)
        self._read_cone(told)
        places = told.get("watched")
        self.instance.watched = WatchList.of(places) if places else None
        self.instance.weights = self._weights(told)
        return told

    def _leave_out(self, told: dict[str, Any], names: Iterable[str]) -> None:
        for name in names:
            told[name] = "" if name in ("by", "within") else None
            self.errors.pop(name, None)

    def _refuse_terms_of_events(self, terms: list[str]) -> None:
        known = of_lists_without_event()
        of_event = [name for name in terms if name not in known]
        if of_event:
            self.add_error(
                "terms",
                f"A list without an event knows no {of_event[0]}: choose among"
                f" {', '.join(known)}, or none for all of these.",
            )

    def _refuse_orders_of_others(self, told: dict[str, Any]) -> None:
        """Refuse the scorer of a group in a list that others see, too: it would tell of theirs."""
        group = told.get("group")
        for name in ("by", "within"):
            owner = self._owners.get(told.get(name) or "")
            if owner is not None and (group is None or group.pk != owner):
                self.add_error(name, "This scorer is a group's: let that group alone see the list.")

    def _read_cone(self, told: dict[str, Any]) -> None:
        place, radius = told.get("place"), told.get("radius_deg")
        if place is not None and radius is not None:
            self.instance.ra, self.instance.dec = place
            return
        if place is not None and "radius_deg" not in self.errors:
            self.add_error("radius_deg", "A region needs its radius.")
        if radius is not None and "place" not in self.errors:
            self.add_error("place", "A region needs its middle.")
        self.instance.ra = self.instance.dec = told["radius_deg"] = None

    def _weights(self, told: dict[str, Any]) -> dict[str, float]:
        """The weights that were typed, and those of scorers that the person may not see."""
        seen = {scorer.name for scorer in self.weighers}
        kept = {name: of for name, of in self.instance.weights.items() if name not in seen}
        typed = {scorer.name: told.get(_key(scorer)) for scorer in self.weighers}
        return kept | {name: weight for name, weight in typed.items() if weight is not None}

    def chosen(self) -> dict[str, Any]:
        """Return the settings that a valid form has; its watch list is kept."""
        if self.instance.watched is not None:
            self.instance.watched.keep()
        return settings_of(self.instance)


def _key(scorer: Weigher) -> str:
    return f"weight_{scorer.name}"


def _typed(value: float | None) -> str:
    """A number as people write it, with all its digits."""
    if value is None:
        return ""
    return f"{value:.17g}" if float(f"{value:.15g}") != value else f"{value:.15g}"


def _place_text(strategy: Strategy) -> str:
    """The middle of the region in degrees; "" for all the sky."""
    if strategy.ra is None or strategy.dec is None:
        return ""
    return " ".join(
        f"{angle:.10f}".rstrip("0").rstrip(".") for angle in (strategy.ra, strategy.dec)
    )
