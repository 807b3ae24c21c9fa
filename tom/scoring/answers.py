"""What scorers say of single spectra."""

from django.db import models

from tom.targets.spectra import UploadedSpectrum


class SpectrumAnswer(models.Model):
    """One scorer's answer on one spectrum, or why it abstained; who sees that, sees this."""

    spectrum = models.ForeignKey(UploadedSpectrum, on_delete=models.CASCADE, related_name="answers")
    scorer = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    ranks = models.JSONField(null=True, help_text="Class to number; None: it abstained")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it abstained")
    explanation = models.JSONField(default=list, help_text="Its parts: name, text, value")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["spectrum", "scorer", "version"], name="scoring_answer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scorer} {self.version} of {self.spectrum_id}"

    @property
    def label(self) -> str:
        """The class with the highest number; empty: it abstained."""
        ranks: dict[str, float] = self.ranks or {}
        return max(ranks, key=lambda name: ranks[name], default="")

    def value_of(self, name: str) -> float | None:
        """The value of the explanation's part of this name."""
        return next((each["value"] for each in self.explanation if each["name"] == name), None)
