"""Where the template of an object's images changed: the zero of its light curve moves there."""

from collections.abc import Mapping, Sequence

from django.db import models
from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.moments import Fact
from tom.records.alert import ObjectAlert
from tom.targets.objects import SurveyObject
from tom.targets.programs import Program, Visitor, of_readable_programs


class TemplateChange(Fact):
    """From `time` on the points of a band rest on another template; a survey's packet showed it."""

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100)
    band = models.CharField(max_length=8)
    time = models.DateTimeField(help_text="When the first point on the new template was taken, UTC")
    before = models.FloatField(help_text="Flux of the old template at the place, nJy")
    after = models.FloatField(help_text="Flux of the new template at the place, nJy")
    program = models.ForeignKey(Program, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "object_id", "band", "time"], name="targets_template_change_once"
            )
        ]
        ordering = ("time", "band")

    def __str__(self) -> str:
        return f"{self.survey} {self.object_id} {self.band}"


def keep_template_changes(
    alerts: Sequence[ObjectAlert], programs: Mapping[tuple[str, int], Program]
) -> None:
    """Store the changes that alerts show, each once."""
    rows = [
        TemplateChange(
            survey=alert.survey,
            object_id=alert.object_id,
            band=change.band,
            time=change.time,
            before=change.before_njy,
            after=change.after_njy,
            program=programs[alert.survey, change.program],
        )
        for alert in alerts
        for change in alert.template_changes
    ]
    if rows:
        TemplateChange.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        for row in rows:
            if row.program.public:
                _open(row)


def _open(row: TemplateChange) -> None:
    """What a private program told of a change is public once a public one tells of it."""
    same = TemplateChange.objects.filter(
        survey=row.survey,
        object_id=row.object_id,
        band=row.band,
        time=row.time,
        program__public=False,
    )
    same.update(program=row.program, before=row.before, after=row.after)


def template_changes_of(target: BaseTarget, user: Visitor) -> QuerySet[TemplateChange]:
    """The changes of a target's objects that a user may know of."""
    own = Q(pk__in=[])
    for survey, object_id in SurveyObject.objects.filter(target=target).values_list(
        "survey", "object_id"
    ):
        own |= Q(survey=survey, object_id=object_id)
    return TemplateChange.objects.filter(own & of_readable_programs(user))
