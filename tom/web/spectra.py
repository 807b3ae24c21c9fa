"""A target's spectra as its page shows them: the line, what a scorer says, what may be taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.contrib.auth.models import Group, User
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.formats.spectrum import (
    ANGSTROMS,
    LARGEST_BYTES,
    Spectrum1D,
    UnreadableSpectrumError,
    read_spectrum,
)
from tom.scoring.answers import SpectrumAnswer
from tom.scoring.spectra import spectrum_scorers
from tom.targets.classified import Classification
from tom.targets.photometry_table import read_time
from tom.targets.spectra import UploadedSpectrum
from tom.targets.withdrawals import Withdrawal
from tom.web.plots.spectrum import draw_spectrum
from tom.web.uploads import PUBLIC, chosen_group, name_of_file

SHOWN: Final = 5
_WITHDRAWALS: Final = Prefetch("withdrawals", Withdrawal.objects.select_related("by", "undone_by"))


@dataclass(frozen=True)
class ShownSpectrum:
    """One spectrum with its picture, the newest answer of each scorer, and what a person may take.

    `offered` is the redshift that the form holds: none where the target has one, or where the
    spectrum is a group's own, for a target's redshift is everybody's. `classes` are those that were
    taken from it and stand. `withdrawals` are all that there were, the newest first.
    """

    row: UploadedSpectrum
    picture: SafeString
    answers: Sequence[SpectrumAnswer]
    offered: str
    classes: Sequence[Classification]
    withdrawals: Sequence[Withdrawal]

    @property
    def is_withdrawn(self) -> bool:
        """Whether the spectrum itself is withdrawn."""
        return any(each.is_whole and each.undone is None for each in self.withdrawals)

    @property
    def may_be_taken_back(self) -> bool:
        """Whether nothing rests on it: then it may be deleted."""
        return not self.row.classes.all() and not self.withdrawals

    @property
    def answer(self) -> SpectrumAnswer | None:
        """The newest answer that names a class."""
        return next((each for each in self.answers if each.ranks), None)


def spectra_of(target: BaseTarget, user: User, *, has_redshift: bool) -> list[ShownSpectrum]:
    """Return the newest spectra of a target that the user may see; four queries."""
    rows = UploadedSpectrum.objects.visible_to(user).filter(target=target)
    rows = rows.prefetch_related("answers", "classes", _WITHDRAWALS).defer("error")[:SHOWN]
    return [_shown(row, has_redshift=has_redshift) for row in rows]


def _shown(row: UploadedSpectrum, *, has_redshift: bool) -> ShownSpectrum:
    newest = {each.scorer: each for each in sorted(row.answers.all(), key=lambda each: each.pk)}
    answers = [newest[name] for name in sorted(newest)]
    found = next((each for each in answers if each.ranks), None)
    redshift = found and found.value_of("redshift")
    is_offered = redshift and redshift > 0 and row.program.public and not has_redshift
    label = f"{row.name}: flux from {row.wavelength[0]:.0f} to {row.wavelength[-1]:.0f} Å"
    picture = draw_spectrum(row.wavelength, row.flux, label=label)
    return ShownSpectrum(
        row,
        picture,
        answers,
        f"{redshift:.4f}" if is_offered else "",
        classes=[each for each in row.classes.all() if each.withdrawal_id is None],
        withdrawals=list(row.withdrawals.all()),
    )


def waits(shown: Sequence[ShownSpectrum]) -> bool:
    """Whether a scorer that is there has not answered on one of these."""
    names = {scorer.spec.name for scorer in spectrum_scorers()}
    return any(names - {each.scorer for each in found.answers} for found in shown)


@dataclass
class SpectrumForm:
    """What was uploaded, what it means, and what is wrong with it."""

    values: dict[str, str]
    group: Group | None = None
    is_public: bool = False
    name: str = "spectrum"
    observed: datetime | None = None
    spectrum: Spectrum1D | None = None
    errors: list[str] = field(default_factory=list)


def read_spectrum_form(
    request: HttpRequest, groups: Sequence[Group], *, may_be_public: bool
) -> SpectrumForm:
    """Read the form; each error is a sentence."""
    names = ("for", "unit", "observed")
    form = SpectrumForm({name: request.POST.get(name, "").strip() for name in names})
    form.group = chosen_group(form.values["for"], groups)
    form.is_public = form.values["for"] == PUBLIC and may_be_public
    if form.group is None and not form.is_public:
        form.errors.append("Choose who may see the spectrum.")
    try:
        form.observed = read_time(form.values["observed"], now=timezone.now())
    except ValueError as error:
        form.errors.append(f"This is not when it was observed: {error}.")
    if form.values["unit"] not in ANGSTROMS:
        form.values["unit"] = "Angstrom"
    _read_file(form, request)
    return form


def _read_file(form: SpectrumForm, request: HttpRequest) -> None:
    uploaded = request.FILES.get("file")
    if uploaded is None:
        form.errors.append("Choose a file.")
        return
    form.name = name_of_file(uploaded, "spectrum")
    try:
        data = uploaded.read(LARGEST_BYTES + 1)
        form.spectrum = read_spectrum(data, unit=form.values["unit"])
    except UnreadableSpectrumError as error:
        form.errors.append(f"The file cannot be used: {error}.")
