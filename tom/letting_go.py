"""Let go of old packets, and keep the stamps in them of the targets that people work on."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast
from django_comments.models import Comment
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetList

from tom.candidates.models import EventCandidate
from tom.followup.models import ObservationRequest
from tom.reports.notifications.models import Follow, FollowKind
from tom.streams.retention import due_packets, let_go
from tom.targets.kept_stamps import keep_stamps, newest_brought_by


def let_packets_go(now: datetime) -> None:
    """Let go of the bytes of stored packets past their time; the rows stay.

    Raises
    ------
    PacketStoreError
        If stamps are to be kept and the store cannot be read now: then no more packets are let go.
    """
    for packets in due_packets(now):
        brought = newest_brought_by(packets)
        kept = worked_on({target for _, target in brought})
        keep_stamps([arrival for arrival, target in brought if target in kept])
        let_go(packets)


def worked_on(target_ids: Collection[int]) -> set[int]:
    """Those of the targets that people work on.

    They are candidates (with or without a verdict), have a request or a comment, stand in a list,
    or are followed.
    """
    key = Cast(OuterRef("pk"), TextField())
    reasons = (
        EventCandidate.objects.filter(target=OuterRef("pk")),
        ObservationRequest.objects.filter(target=OuterRef("pk")),
        TargetList.targets.through.objects.filter(basetarget=OuterRef("pk")),
        Follow.objects.filter(kind=FollowKind.TARGET, value=key),
        Comment.objects.filter(content_type__app_label="tom_targets", object_pk=key),
    )
    wanted = Q()
    for reason in reasons:
        wanted |= Q(Exists(reason))
    rows = BaseTarget.objects.filter(wanted, pk__in=target_ids)
    return set(rows.values_list("pk", flat=True))
