"""The spectra that people upload, and the class that a person takes from one."""

import hashlib
import json
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from tom_targets.base_models import BaseTarget

from tom.targets.classified import Classification
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.programs import Program, Visitor, of_readable_programs
from tom.taxonomy import VERSION

CLASSIFIER = "spectrum"


class WithdrawnError(Exception):
    """The spectrum is withdrawn: no class is taken from it."""


class UploadedSpectrumQuerySet(models.QuerySet["UploadedSpectrum"]):
    """Reads of spectra."""

    def visible_to(self, user: Visitor) -> "UploadedSpectrumQuerySet":
        """Spectra that the user may see, with their program and who brought them."""
        rows = self.select_related("program", "created_by")
        return rows.filter(of_readable_programs(user))


class UploadedSpectrum(models.Model):
    """A spectrum that a person uploaded; it never changes, and can be withdrawn."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="spectra")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="spectra")
    name = models.CharField(max_length=100, help_text="The name of the file")
    observed = models.DateTimeField(help_text="The middle of the exposure, UTC")
    wavelength = ArrayField(models.FloatField(), help_text="Angstrom as observed, rising")
    flux = ArrayField(models.FloatField(), help_text="In the file's own unit, for each Angstrom")
    error = ArrayField(models.FloatField(), help_text="Of each flux; empty: none was given")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = UploadedSpectrumQuerySet.as_manager()

    class Meta:
        ordering = ("-observed", "-pk")

    def __str__(self) -> str:
        return f"{self.name} of {self.target_id}"

    @property
    def is_withdrawn(self) -> bool:
        """Whether the spectrum itself is withdrawn, not its classes alone."""
        return self.withdrawals.filter(is_whole=True, undone=None).exists()

    def lock(self) -> None:
        """Wait for whoever withdraws it, undoes that or takes a class from it."""
        UploadedSpectrum.objects.select_for_update().get(pk=self.pk)


def take_class(spectrum: UploadedSpectrum, label: str, *, by: User, version: str) -> Classification:
    """Store the class that a person takes from a spectrum, beside what brokers say.

    Those may know of it who may see the spectrum. `version` says what the person was shown: the
    scorer and its version; empty: no scorer said anything. The same class again is stored once.

    Raises
    ------
    WithdrawnError
        If the spectrum is withdrawn.
    """
    with transaction.atomic():
        spectrum.lock()
        if spectrum.is_withdrawn:
            raise WithdrawnError
        author = by.get_username()[:64]
        before = spectrum.classes.filter(author=author)
        newest = before.standing().first()
        if newest is not None and newest.says == label:
            return newest
        found = _object_of(spectrum)
        said = {label: 1.0}
        # A class taken again after another one, or after a withdrawal, is a row of its own.
        unique = json.dumps([said, spectrum.pk, before.count()])
        return Classification.objects.create(
            survey=found.survey,
            object_id=found.object_id,
            author=author,
            classifier=CLASSIFIER,
            version=version[:50],
            time=spectrum.observed,
            probabilities=said,
            classes={label: label},
            taxonomy=VERSION,
            program=None if spectrum.program.public else spectrum.program,
            from_spectrum=True,
            spectrum=spectrum,
            says=label,
            digest=hashlib.sha256(unique.encode()).hexdigest(),
        )


def public_classes(targets: Iterable[int]) -> dict[int, Classification]:
    """Return the newest class of each of these targets that a person took from a public spectrum.

    Withdrawn ones do not count.
    """
    standing = Classification.objects.standing().filter(program=None, is_test=False)
    rows = standing.filter(spectrum__target__in=list(targets)).select_related("spectrum")
    newest: dict[int, Classification] = {}
    for row in rows.defer("spectrum__wavelength", "spectrum__flux", "spectrum__error"):
        if row.spectrum is not None:
            newest.setdefault(row.spectrum.target_id, row)
    return newest


def _object_of(spectrum: UploadedSpectrum) -> SurveyObject:
    """The target's object that bears its name; else one made by hand, as for photometry."""
    target, program = spectrum.target, spectrum.program
    names = {target.name, *target.aliases.values_list("name", flat=True)}
    objects = list(SurveyObject.objects.filter(target=target).order_by("pk"))
    named = [row for row in objects if names.intersection(row.spellings)]
    if named:
        return min(named, key=lambda row: (row.survey == BY_HAND, row.pk))
    made, _ = SurveyObject.objects.get_or_create(
        survey=BY_HAND,
        object_id=target.name,
        defaults={
            "target": target,
            "programs": [program.pk],
            "ra": target.ra,
            "dec": target.dec,
        },
    )
    return made
