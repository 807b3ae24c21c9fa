"""How far scoring is behind."""

from tom.scoring.judging import work_due
from tom.targets.models import DUE_FOR_SCORING, AudienceSummary, TargetSummary


def count_backlog() -> int:
    """Count the targets that wait for a scorer; what waits for one that rests does not count."""
    due = [
        TargetSummary.objects.filter(DUE_FOR_SCORING).values_list("target_id"),
        AudienceSummary.objects.filter(DUE_FOR_SCORING).values_list("target_id"),
        work_due().order_by().values_list("target_id"),
    ]
    first, *others = due
    return first.union(*others).count()
