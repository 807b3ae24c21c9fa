"""What may be told to the world: public targets, public points, and the errors of what may not."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.targets.models import POINT_ORDER, LightCurvePoint


class CannotTellError(Exception):
    """This report may not be made or sent; the message says why, for the person who asked."""


class PrivateDataError(CannotTellError):
    """The report would contain something that is not public."""


class NotLiveError(CannotTellError):
    """The event is a test or retracted, and the topic is not a test topic."""


def refuse_private(targets: "Sequence[BaseTarget] | QuerySet[BaseTarget]") -> None:
    """Raise PrivateDataError if a target is private."""
    private = [
        target.name for target in targets if target.permissions == BaseTarget.Permissions.PRIVATE
    ]
    if private:
        msg = f"these are private: {', '.join(private)}"
        raise PrivateDataError(msg)


def refuse_not_public(candidates: Iterable[EventCandidate]) -> None:
    """Refuse public targets that are candidates by private points only: a report reveals those."""
    names = [row.target.name for row in candidates if not row.is_public]
    if names:
        msg = f"these are candidates only by private data: {', '.join(names)}"
        raise PrivateDataError(msg)


def public_points(targets: Sequence[BaseTarget]) -> list[LightCurvePoint]:
    """Return the public points of public targets, in the order of their times.

    Raises
    ------
    PrivateDataError
        If a target is private, or has points of which none is public.
    """
    refuse_private(targets)
    points = LightCurvePoint.objects.filter(target__in=targets).select_related("program")
    public = list(points.filter(program__public=True).order_by("target_id", *POINT_ORDER))
    known = set(points.values_list("target_id", flat=True))
    hidden = known - {point.target_id for point in public}
    if hidden:
        names = [target.name for target in targets if target.pk in hidden]
        msg = f"these have no public data: {', '.join(names)}"
        raise PrivateDataError(msg)
    return public
