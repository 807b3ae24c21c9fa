"""Move a request from one state to another, and keep what happened."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tom.followup.models import ObservationRequest, StateChange
from tom.followup.states import ENDS, LEGAL, RequestState
from tom.live.models import Topic
from tom.live.publish import publish


class IllegalTransitionError(Exception):
    """The request's state does not lead there; nothing was changed."""


def transition(
    request: ObservationRequest,
    new: RequestState,
    *,
    reason: str = "",
    by: AbstractBaseUser | None = None,
    **fields: Any,
) -> bool:
    """Move `request` to `new`, setting `fields` too; False where somebody else moved it first.

    The move is one conditional update from the state that `request` was read in, so that of
    several workers only one makes it; the attempts are a part of it, since a slow worker may
    find the same state again after another's attempt in between. The change is kept and pages
    are told in the same transaction.

    Raises
    ------
    IllegalTransitionError
        If the state it was read in does not lead to `new`.
    """
    old = RequestState(request.state)
    if new not in LEGAL[old]:
        msg = f"request {request.pk} cannot go from {old} to {new}"
        raise IllegalTransitionError(msg)
    if new in ENDS:
        fields["guard"] = None
        fields.setdefault("retry_at", None)
    fields |= {"state": new, "reason": reason}
    with transaction.atomic():
        same = ObservationRequest.objects.filter(
            pk=request.pk, state=old, attempts=request.attempts
        )
        if not same.update(**fields):
            return False
        StateChange.objects.create(request=request, old=old, new=new, reason=reason, by_id=pk(by))
        publish(Topic.REQUEST, request.pk)
    for name, value in fields.items():
        setattr(request, name, value)
    return True


def note(request: ObservationRequest, *, reason: str, retry_at: datetime | None) -> None:
    """Say why a request stays as it is, and when it is looked at again."""
    same = ObservationRequest.objects.filter(pk=request.pk, state=request.state)
    with transaction.atomic():
        if same.update(reason=reason, retry_at=retry_at) and reason != request.reason:
            publish(Topic.REQUEST, request.pk)
    request.reason, request.retry_at = reason, retry_at


def pk(user: AbstractBaseUser | None) -> int | None:
    """Name a person, or nobody."""
    return None if user is None else int(user.pk)
