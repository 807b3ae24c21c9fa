"""The spectra that people upload, and the class that a person takes from one."""

import hashlib
import json

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db import models
from tom_targets.base_models import BaseTarget

from tom.targets.classified import Classification
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.programs import Program, Visitor, of_readable_programs
from tom.taxonomy import VERSION

CLASSIFIER = "spectrum"


class UploadedSpectrumQuerySet(models.QuerySet["UploadedSpectrum"]):
    """Reads of spectra."""

    def visible_to(self, user: Visitor) -> "UploadedSpectrumQuerySet":
        """Spectra that the user may see, with their program and who brought them."""
        rows = self.select_related("program", "created_by")
        return rows.filter(of_readable_programs(user))


class UploadedSpectrum(models.Model):
    """A spectrum that a person uploaded; it never changes."""

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


def take_class(spectrum: UploadedSpectrum, label: str, *, by: User, version: str) -> Classification:
    """Store the class that a person takes from a spectrum, beside what brokers say.

    Those may know of it who may see the spectrum. `version` says what the person was shown: the
    scorer and its version; empty: no scorer said anything.
    """
    said = {label: 1.0}
    found = _object_of(spectrum)
    return Classification.objects.create(
        survey=found.survey,
        object_id=found.object_id,
        author=by.get_username()[:64],
        classifier=CLASSIFIER,
        version=version[:50],
        time=spectrum.observed,
        probabilities=said,
        classes={label: label},
        taxonomy=VERSION,
        program=None if spectrum.program.public else spectrum.program,
        from_spectrum=True,
        says=label,
        digest=hashlib.sha256(json.dumps([said, spectrum.pk]).encode()).hexdigest(),
    )


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
