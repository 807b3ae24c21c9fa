"""Uploaded points: store or remove them, and match the target as after a survey's alert."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from tom_targets.base_models import BaseTarget

from tom.candidates.services import match_targets
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.targets.by_hand import Measured, add_points, remove_points
from tom.targets.models import PointUpload, Program


def upload_points(
    target: BaseTarget,
    points: Sequence[Measured],
    *,
    program: Program,
    name: str,
    by: User,
    now: datetime,
) -> PointUpload:
    """Store uploaded points, and match the target with the events again."""
    with transaction.atomic():
        hold_events()
        upload, changes = add_points(target, points, program=program, name=name, by=by, now=now)
        match_targets(changes.changed)
        publish(Topic.ALERTS)
    return upload


def undo_upload(upload: PointUpload) -> None:
    """Remove the points of an upload, and match the target with the events again."""
    with transaction.atomic():
        hold_events()
        changes = remove_points(upload)
        match_targets(changes.changed)
        publish(Topic.ALERTS)
