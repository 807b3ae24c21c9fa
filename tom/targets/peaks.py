"""Detections whose flux a survey measured at the peak of the difference image, not at a centre."""

from collections.abc import Sequence

from django.db import models

from tom.records.alert import ObjectAlert
from tom.targets.objects import SurveyObject

PointName = tuple[str, str]
"""A survey, and the key of a detection of it."""


class PeakPoint(models.Model):
    """A detection of an object without a centre of its own: its flux is that at the peak."""

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100)
    key = models.CharField(max_length=80, help_text="The key of the detection's point")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "object_id", "key"], name="targets_peak_point_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.survey} {self.key}"


def keep_peaks(alerts: Sequence[ObjectAlert]) -> None:
    """Store which detections of these alerts were measured at the peak, each once."""
    rows = [
        PeakPoint(survey=alert.survey, object_id=alert.object_id, key=point.key)
        for alert in alerts
        for point in alert.points
        if point.is_at_peak
    ]
    if rows:
        PeakPoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def peaks_of(target_id: int) -> frozenset[PointName]:
    """The detections of a target's objects that were measured at the peak; one query.

    It does not look at who may see the points.
    """
    own = SurveyObject.objects.filter(
        target=target_id, survey=models.OuterRef("survey"), object_id=models.OuterRef("object_id")
    )
    rows = PeakPoint.objects.filter(models.Exists(own))
    return frozenset(rows.values_list("survey", "key"))
