"""The forms that add a scorer of one's own, or another version of it."""

import re
from datetime import UTC
from typing import Any, Final, NoReturn

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils import timezone

from tom.scoring.card import REQUIRED_SECTIONS, write_card
from tom.scoring.contract import InvalidSpecError, ScorerKind, ScorerSpec
from tom.scoring.filter_tags import UnreadableTagsError, read_tags
from tom.scoring.models import OwnKind, OwnScorer, OwnVersion
from tom.scoring.own import LAYOUTS, MOST_MEMORY_MB, MOST_SECONDS, PREFIX, Parts, hash_of
from tom.taxonomy import find_class
from tom.web.team.groups import groups_to_choose

MOST_SOURCE: Final = 100_000
MOST_BYTES: Final = 16 * 1024 * 1024
CLASS_LINE: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9_/ -]{0,39}?)(?:[ \t=:]+([+-]?[0-9.][0-9.eE+-]*))?"
)
MOST_CLASSES: Final = 30
BAD_SHARE: Final = "A share is a number above 0 and below 1."
FAR_FROM_ONE: Final = 1e-6
"""How far the shares of all classes may be from the sum 1, as in a specification."""
NOT_FREE: Final = "This name cannot be given here: choose another, or ask an administrator."
LONGEST: Final = 5000
STATED: Final = tuple(name for name in REQUIRED_SECTIONS if name != "Prior")
PRIOR_TEXT: Final = "The shares above are those that its author gave."


def _refuse(text: str) -> NoReturn:
    raise ValidationError(text)


def section_key(section: str) -> str:
    """The name of the field of a card's section."""
    return section.lower().replace(" ", "_")


class OwnScorerForm(forms.Form):
    """What every kind asks for: whose it is, its version, its limits, its card."""

    kind: OwnKind

    name = forms.RegexField(
        r"^[a-z][a-z0-9_]{1,34}\Z",
        label="Name (small letters, digits, _)",
        help_text=f"It is called {PREFIX} and this: tde_rise becomes {PREFIX}tde_rise.",
        error_messages={"invalid": "Write 2 to 35 small letters, digits or _."},
    )
    group = forms.ModelChoiceField(
        Group.objects.none(), label="Whose it is", required=False, empty_label="everybody"
    )
    version = forms.RegexField(
        r"^\d{1,5}\.\d{1,5}\.\d{1,5}\Z",
        initial="1.0.0",
        error_messages={"invalid": "Write major.minor.patch, such as 1.0.0."},
    )
    licence = forms.CharField(max_length=60, label="Licence (SPDX)")
    seconds_per_object = forms.FloatField(
        min_value=0.0001, max_value=MOST_SECONDS, initial=0.02, label="Seconds for each object"
    )
    memory_mb = forms.IntegerField(
        min_value=300, max_value=MOST_MEMORY_MB, initial=1500, label="Memory (MiB)"
    )
    about = forms.CharField(
        max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}), label="What it is for"
    )

    def __init__(
        self, *args: Any, user: User, scorer: OwnScorer | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scorer, self.user = scorer, user
        self.has_whose = scorer is None
        if scorer is not None:
            del self.fields["name"], self.fields["group"]
        else:
            own = {group.pk for group in groups_to_choose(user)}
            self.fields["group"].queryset = Group.objects.filter(  # type: ignore[attr-defined]
                pk__in=own
            )
        for section in STATED:
            self.fields[section_key(section)] = forms.CharField(
                max_length=LONGEST,
                required=False,
                widget=forms.Textarea(attrs={"rows": 2}),
                label=section,
            )
        for field in self.fields.values():
            is_choice = isinstance(field.widget, forms.Select)
            css = "form-select" if is_choice else "form-control"
            field.widget.attrs |= {"class": css, "autocomplete": "off"}

    def clean_name(self) -> str:
        """Refuse a name that is taken."""
        name = PREFIX + str(self.cleaned_data["name"])
        if OwnScorer.objects.visible_to(self.user).filter(name=name).exists():
            _refuse("There is one of this name: add a version to that.")
        if OwnScorer.objects.filter(name=name).exists():
            _refuse(NOT_FREE)
        return name

    def clean_version(self) -> str:
        """Refuse a version that this scorer has."""
        version = str(self.cleaned_data["version"])
        if self.scorer is not None and self.scorer.versions.filter(version=version).exists():
            _refuse("It has this version: raise the number.")
        return version

    @property
    def card_fields(self) -> list[forms.BoundField]:
        """The fields of the card's sections."""
        return [self[section_key(section)] for section in STATED]

    def clean(self) -> dict[str, Any]:
        """Make the specification, if the fields allow."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                cleaned["spec"] = self.read_spec(cleaned)
            except InvalidSpecError as error:
                raise ValidationError(str(error)) from error
        return cleaned

    def read_spec(self, cleaned: dict[str, Any]) -> ScorerSpec:
        """Return the specification; raises ValidationError or InvalidSpecError."""
        raise NotImplementedError

    def artefact(self) -> bytes:
        """Return the model or the source."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Return what else the kind asks for."""
        return {}

    def parts(self) -> Parts:
        """Return what a valid form brings."""
        return Parts(
            path=settings.OWN_SCORERS[self.kind],
            spec=self.cleaned_data["spec"],
            artefact=self.artefact(),
            options=self.options(),
            memory_mb=min(self.cleaned_data["memory_mb"], settings.SCORER_MEMORY_MB),
        )

    def own_version(self, parts: Parts) -> OwnVersion:
        """Return the row of these parts, not stored yet."""
        sections = {name: self.cleaned_data[section_key(name)] for name in STATED}
        card = write_card(parts.spec, self.cleaned_data["about"], {**sections, "Prior": PRIOR_TEXT})
        return OwnVersion(
            version=parts.spec.version,
            spec=parts.spec_fields,
            options=dict(parts.options),
            card=card,
            artefact=parts.artefact,
            sha256=parts.sha256,
            memory_mb=parts.memory_mb,
            weighs_from=self.cleaned_data.get("weighs_from"),
        )

    def shared_spec(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the specification that do not depend on the kind."""
        return {
            "name": self.scorer.name if self.scorer else cleaned["name"],
            "version": cleaned["version"],
            "licence": cleaned["licence"],
            "card": "card.md",
            "seconds_per_object": cleaned["seconds_per_object"],
            "batch_size": 64,
        }


class OnnxForm(OwnScorerForm):
    """A model in ONNX."""

    kind = OwnKind.ONNX

    model = forms.FileField(label=f"The model (at most {MOST_BYTES // 1024**2} MB)")
    layout = forms.ChoiceField(
        choices=[(name, layout.label) for name, layout in LAYOUTS.items()], label="Its input"
    )
    features = forms.CharField(
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="The features, one a line, in its order (empty: all)",
    )
    missing = forms.FloatField(required=False, label="A missing feature is (empty: NaN)")
    least = forms.IntegerField(
        min_value=1, max_value=1000, initial=2, label="Detections that it needs"
    )
    answers = forms.ChoiceField(
        choices=[
            (ScorerKind.PROBABILITY, "probabilities of the classes"),
            (ScorerKind.LIKELIHOOD_RATIO, "likelihood ratios of each class to all others"),
            (ScorerKind.RANK, "a rank"),
            (ScorerKind.ANOMALY, "an anomaly"),
        ],
        label="Its answer",
    )
    classes = forms.CharField(
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "kilonova 0.1\nother 0.9"}),
        label="Its classes, one a line, each with its share in the training",
    )
    sigma = forms.FloatField(
        min_value=0,
        max_value=20,
        initial=1.0,
        label="Uncertainty of the log odds of its first class",
    )
    weighs_from = forms.DateTimeField(
        required=False,
        label="It weighs from (UTC; empty: until somebody says so)",
        widget=forms.DateTimeInput(attrs={"placeholder": "2027-01-31 12:00"}),
    )

    layouts = LAYOUTS.values()

    def clean_model(self) -> bytes:
        """Read the file, which is bounded."""
        found = self.cleaned_data["model"]
        if found.size > MOST_BYTES:
            _refuse(f"The model has more than {MOST_BYTES:,} bytes.")
        return bytes(found.read())

    def clean_weighs_from(self) -> Any:
        """Take the time as UTC; refuse one that is past: its scores are to be seen first."""
        given = self.cleaned_data["weighs_from"]
        given = given and given.replace(tzinfo=UTC)
        if given and given < timezone.now():
            _refuse("This time is past. Leave it empty, and let it weigh on its page.")
        return given

    def clean_classes(self) -> dict[str, float]:
        """Return the share of each class, by our name of it; equal ones where none is given."""
        lines = [line.strip() for line in self.cleaned_data["classes"].splitlines() if line.strip()]
        if len(lines) > MOST_CLASSES:
            _refuse(f"There are at most {MOST_CLASSES} classes.")
        found = [CLASS_LINE.fullmatch(line) for line in lines]
        if not all(found):
            _refuse("Write a class and its share on each line: kilonova 0.1")
        try:
            shares = {_named(m[1]): float(m[2]) if m[2] else 1 / len(lines) for m in found if m}
        except ValueError:
            _refuse(BAD_SHARE)
        if not all(0 < share <= 1 for share in shares.values()):
            _refuse(BAD_SHARE)
        if len(shares) != len(lines):
            _refuse("A class is named twice.")
        if abs(sum(shares.values()) - 1) > FAR_FROM_ONE:
            _refuse(f"The shares add up to {sum(shares.values()):.6g}, not to 1.")
        return shares

    def read_spec(self, cleaned: dict[str, Any]) -> ScorerSpec:
        """Return the specification of the model."""
        return ScorerSpec(
            **self.shared_spec(cleaned),
            inputs=LAYOUTS[cleaned["layout"]].inputs,
            classes=tuple(cleaned["classes"]),
            prior=tuple(cleaned["classes"].values()),
            kind=ScorerKind(cleaned["answers"]),
            artefact="model.onnx",
            artefact_sha256=hash_of(cleaned["model"]),
        )

    def artefact(self) -> bytes:
        """Return the model."""
        return bytes(self.cleaned_data["model"])

    def options(self) -> dict[str, Any]:
        """Return the layout and what it asks for."""
        names = [line.strip() for line in self.cleaned_data["features"].splitlines()]
        return {
            "layout": self.cleaned_data["layout"],
            "features": [name for name in names if name],
            "missing": self.cleaned_data["missing"],
            "least": self.cleaned_data["least"],
            "sigma": self.cleaned_data["sigma"],
        }


def _named(typed: str) -> str:
    """Return our name of a class, or what was typed: a class of its own."""
    return find_class(typed) or typed.strip()


class FilterForm(OwnScorerForm):
    """A filter in Python."""

    kind = OwnKind.FILTER

    source = forms.CharField(
        max_length=MOST_SOURCE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "data-code": ""}),
        label=f"Its source (at most {MOST_SOURCE:,} characters)",
    )

    def clean_source(self) -> str:
        """Read which tags it gives, without running it."""
        source = str(self.cleaned_data["source"])
        try:
            self.tags = read_tags(source)
        except UnreadableTagsError as error:
            _refuse(str(error))
        return source

    def read_spec(self, cleaned: dict[str, Any]) -> ScorerSpec:
        """Return the specification: its tags are ranks, which weigh in no list."""
        return ScorerSpec(
            **self.shared_spec(cleaned),
            inputs=("lightcurve", "alert", "place"),
            classes=tuple(self.tags),
            prior=tuple([1 / len(self.tags)] * len(self.tags)),
            kind=ScorerKind.RANK,
            artefact="filter.py",
            artefact_sha256=hash_of(self.artefact()),
        )

    def artefact(self) -> bytes:
        """Return the source."""
        return str(self.cleaned_data["source"]).encode()


FORMS: Final[dict[str, type[OwnScorerForm]]] = {
    OwnKind.ONNX: OnnxForm,
    OwnKind.FILTER: FilterForm,
}
