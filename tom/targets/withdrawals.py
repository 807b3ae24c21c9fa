"""The withdrawals of uploaded spectra, and of the classes that were taken from them.

A spectrum that was reduced wrongly is withdrawn with its classes. If it was only misread, its
classes alone are. The rows stay: a withdrawal can be undone, and withdrawn again.
"""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from tom.records.redshift import RedshiftSource
from tom.targets.classified import Classification
from tom.targets.redshifts import given_redshifts, keep_redshift
from tom.targets.spectra import UploadedSpectrum

LONGEST_REASON = 300


class CannotWithdrawError(Exception):
    """Nothing is there to withdraw or to undo; the text says why."""


class Withdrawal(models.Model):
    """What a person withdrew, and why; `undone` is empty while it stands."""

    spectrum = models.ForeignKey(
        UploadedSpectrum, on_delete=models.CASCADE, related_name="withdrawals"
    )
    is_whole = models.BooleanField(
        help_text="Whether the spectrum itself is withdrawn, or what was taken from it alone"
    )
    reason = models.CharField(max_length=LONGEST_REASON)
    redshift = models.FloatField(
        null=True, blank=True, help_text="The target's redshift that was forgotten with it"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["spectrum"],
                condition=Q(is_whole=True, undone=None),
                name="targets_withdrawal_once",
            )
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.spectrum} withdrawn: {self.reason}"


def withdraw(
    spectrum: UploadedSpectrum, *, is_whole: bool, reason: str, forgets_redshift: bool, by: User
) -> Withdrawal:
    """Withdraw a spectrum with its classes, or its classes alone.

    With `forgets_redshift`, the target's redshift goes if it is of the transient's own spectrum.

    Raises
    ------
    CannotWithdrawError
        If it is withdrawn already, or no class of it stands that could be withdrawn alone.
    """
    with transaction.atomic():
        spectrum.lock()
        if spectrum.is_withdrawn:
            message = "The spectrum is withdrawn already."
            raise CannotWithdrawError(message)
        standing = spectrum.classes.standing()
        if not is_whole and not standing.exists():
            message = "No class of this spectrum stands: withdraw the spectrum itself."
            raise CannotWithdrawError(message)
        made = Withdrawal.objects.create(
            spectrum=spectrum,
            is_whole=is_whole,
            reason=reason,
            redshift=redshift_to_forget(spectrum) if forgets_redshift else None,
            by=by,
        )
        standing.update(withdrawal=made)
        if made.redshift is not None:
            keep_redshift(spectrum.target_id, None)
    return made


def undo_withdrawal(made: Withdrawal, *, by: User) -> None:
    """Let stand again what was withdrawn; a redshift that the target has by now stays.

    Raises
    ------
    CannotWithdrawError
        If it was undone before, or the spectrum itself was withdrawn after its class.
    """
    with transaction.atomic():
        made.spectrum.lock()
        if not made.is_whole and made.spectrum.is_withdrawn:
            message = "The spectrum itself is withdrawn: undo that first."
            raise CannotWithdrawError(message)
        standing = Withdrawal.objects.filter(pk=made.pk, undone=None)
        if not standing.update(undone=timezone.now(), undone_by=by):
            message = "The withdrawal was undone already."
            raise CannotWithdrawError(message)
        Classification.objects.filter(withdrawal=made).update(withdrawal=None)
        target = made.spectrum.target_id
        if made.redshift is not None and target not in given_redshifts([target]):
            keep_redshift(target, made.redshift, RedshiftSource.TRANSIENT)


def redshift_to_forget(spectrum: UploadedSpectrum) -> float | None:
    """Return the target's redshift if it may be of this spectrum: a public one, of a transient."""
    given = given_redshifts([spectrum.target_id]).get(spectrum.target_id)
    is_of_transient = given is not None and given.source is RedshiftSource.TRANSIENT
    return given.value if given and is_of_transient and spectrum.program.public else None
