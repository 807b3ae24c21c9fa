"""The form that makes a target by hand, and the one that brings photometry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import Place, read_place
from tom.sky.place_tokens import NotAPlaceError
from tom.targets.photometry_table import FIELDS, FLUX_UNITS
from tom.targets.redshifts import BadRedshiftError, read_redshift
from tom.web.uploads import (
    PUBLIC,
    UnreadableUploadError,
    chosen_group,
    name_of_file,
    name_of_text,
    read_text_file,
)

LONGEST_NAME = 100


@dataclass
class TargetForm:
    """What was typed of a new target, what it means, and what is wrong with each field."""

    values: dict[str, str]
    groups: Sequence[Group]
    place: Place | None = None
    group: Group | None = None
    redshift: float | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, name: str, why: str) -> None:
        self.errors.setdefault(name, []).append(why)


def read_target_form(data: Mapping[str, str], groups: Sequence[Group]) -> TargetForm:
    """Read the form; it judges each field."""
    names = ("name", "position", "redshift", "for")
    form = TargetForm({name: data.get(name, "").strip() for name in names}, groups)
    name = form.values["name"]
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name in {".", ".."}:
        form.refuse("name", f"A name has 1 to {LONGEST_NAME} characters that can be printed.")
    try:
        form.place = read_place(form.values["position"])
    except (NotAPlaceError, UnreadablePlaceError) as error:
        form.refuse("position", f"This is not a position: {error}.")
    form.group = chosen_group(form.values["for"], groups)
    if form.group is None and form.values["for"] != PUBLIC:
        form.refuse("for", "Choose who may see it.")
    try:
        form.redshift = read_redshift(form.values["redshift"])
    except BadRedshiftError as error:
        form.refuse("redshift", str(error))
    return form


@dataclass
class PhotometryForm:
    """What was uploaded or pasted, which column holds what, and who may see it."""

    text: str
    name: str
    values: dict[str, str]
    group: Group | None
    is_public: bool
    columns: dict[str, int]  # empty: nothing was chosen yet
    errors: list[str] = field(default_factory=list)


def read_photometry_form(request: HttpRequest, groups: Sequence[Group]) -> PhotometryForm:
    """Read the form: the file where there is one, else the text."""
    values = {name: request.POST.get(name, "") for name in ("for", "flux_unit")}
    form = PhotometryForm(
        text=request.POST.get("text", ""),
        name=name_of_text(request),
        values=values,
        group=chosen_group(values["for"], groups),
        is_public=values["for"] == PUBLIC,
        columns=_columns(request.POST),
    )
    uploaded = request.FILES.get("file")
    if uploaded:
        _read_file(form, uploaded)
    if values["flux_unit"] not in FLUX_UNITS:
        values["flux_unit"] = "ujy"
    return form


def _read_file(form: PhotometryForm, uploaded: UploadedFile[bytes]) -> None:
    form.columns = {}  # another table
    form.name, form.text = name_of_file(uploaded), ""
    try:
        form.text = read_text_file(uploaded)
    except UnreadableUploadError as error:
        form.errors.append(str(error))


def _columns(data: MultiValueDict[str, str]) -> dict[str, int]:
    chosen = {name: data.get(f"column-{name}", "") for name in FIELDS}
    return {
        name: int(at)
        for name, at in chosen.items()
        if at.isascii() and at.isdecimal() and len(at) < 4
    }
