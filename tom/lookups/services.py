"""Ask brokers for a name or a place, and keep what one of them found as a message."""

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.values import storable
from tom.forms.declared import LookUp, Wanted
from tom.forms.registry import forms, look_ups
from tom.lookups.calling import LookUpFailedError, call
from tom.lookups.models import NOT_ASKED, UNDER_WAY, Answer, AnswerState, Lookup
from tom.records import Retelling
from tom.streams.models import AlertMessage
from tom.streams.services import store_message
from tom.targets.objects import ObjectKey

TOPIC = "lookup."
"""How the topics begin on which answers are kept; the broker's name follows."""
MOST_FOUND = 5
KEPT = timedelta(days=30)


def make_lookup(user: User, wanted: Wanted, *, text: str) -> Lookup:
    """Make the question, with a row for each broker that can be asked."""
    place = {} if wanted.name else _place(wanted)
    with transaction.atomic():
        lookup = Lookup.objects.create(user=user, text=text, name=wanted.name, **place)
        question = question_of(wanted)
        Answer.objects.bulk_create(
            Answer(lookup=lookup, broker=name, question=question) for name in look_ups()
        )
    return lookup


def question_of(wanted: Wanted) -> str:
    """Return the same text for the same question."""
    if wanted.name:
        return wanted.name[:100]
    return f"{wanted.ra:.5f} {wanted.dec:+.5f} {wanted.radius_arcsec:g}"


def ask_broker(answer_id: int) -> None:
    """Ask one broker. Safe to call twice: who takes the row asks, and nobody else."""
    taken = Answer.objects.filter(pk=answer_id, state=AnswerState.WAITING)
    if not taken.update(state=AnswerState.ASKING, asked=timezone.now()):
        return
    answer = Answer.objects.select_related("lookup").get(pk=answer_id)
    known = _known(answer)
    if known is not None:
        _finish(answer, AnswerState(known.state), found=known.found)
        return
    try:
        found = storable(_talk(answer))
    except LookUpFailedError as error:
        _finish(answer, AnswerState.FAILED, reason=str(error))
    # The boundary of what a broker may answer: whatever its shape, its row says that it failed.
    except (
        *(ArithmeticError, AttributeError, LookupError),
        *(RecursionError, TypeError, ValueError),
    ) as error:
        _finish(answer, AnswerState.FAILED, reason=f"not understood: {type(error).__name__}")
    else:
        state = AnswerState.FOUND if found else AnswerState.NOTHING
        _finish(answer, state, found=found)


def forget_old() -> None:
    """Delete look-ups whose answers nobody needs any more: what was taken is kept as messages."""
    Lookup.objects.filter(created__lt=timezone.now() - KEPT).delete()


def due_answers() -> list[int]:
    """The answers that nobody has asked for, and those whose asking was broken off."""
    broken = timezone.now() - timedelta(seconds=2 * settings.LOOKUP_SECONDS)
    Answer.objects.filter(state=AnswerState.ASKING, asked__lt=broken).update(
        state=AnswerState.FAILED, reason="the asking was broken off", finished=timezone.now()
    )
    recent = Q(lookup__created__gt=timezone.now() - timedelta(minutes=5))
    return list(
        Answer.objects.filter(recent, state=AnswerState.WAITING).values_list("pk", flat=True)
    )


def read_found(answer: Answer) -> list[Retelling | None]:
    """What each object of an answer says; None for one that cannot be read."""
    return [read_one(answer.broker, each) for each in answer.found]


def read_one(broker: str, found: Mapping[str, Any]) -> Retelling | None:
    """What a broker says of one object that it found; None where it cannot be read."""
    parse = forms()[look_ups()[broker].form].parse
    try:
        record = parse(json.dumps(found).encode()) if parse else None
    except (MalformedAlertError, UnhandledAlertError):
        return None
    return record if isinstance(record, Retelling) else None


def take(answer: Answer, number: int) -> AlertMessage | None:
    """Keep one object of an answer as a message, as its broker told it; None if there is none."""
    if not 0 <= number < len(answer.found):
        return None
    message = keep_found(answer.broker, answer.found[number])
    with transaction.atomic():
        row = Answer.objects.select_for_update().get(pk=answer.pk)
        row.kept[str(number)] = message.pk
        row.save(update_fields=["kept"])
    return message


def keep_found(broker: str, found: Mapping[str, Any]) -> AlertMessage:
    """Keep what a broker found as a message, as it told it."""
    payload = json.dumps(found).encode()
    return store_message(f"{TOPIC}{broker.lower()}", payload)[0]


def objects_of(told: Retelling) -> list[ObjectKey]:
    """The objects that an answer speaks of."""
    of_alerts = [(alert.survey, alert.object_id) for alert in told.alerts]
    of_opinions = [(said.survey, said.object_id) for said in told.opinions]
    return list(dict.fromkeys((*of_alerts, *of_opinions)))


def _place(wanted: Wanted) -> dict[str, float]:
    return {"ra": wanted.ra, "dec": wanted.dec, "radius_arcsec": wanted.radius_arcsec}


def _known(answer: Answer) -> Answer | None:
    """What the broker answered to the same question a short while ago."""
    recent = timezone.now() - timedelta(minutes=settings.LOOKUP_CACHE_MINUTES)
    rows = Answer.objects.filter(
        broker=answer.broker,
        question=answer.question,
        state__in=(AnswerState.FOUND, AnswerState.NOTHING),
        asked__gt=recent,
    )
    return rows.exclude(pk=answer.pk).order_by("-finished").first()


def _talk(answer: Answer) -> list[dict[str, Any]]:
    lookup = answer.lookup
    wanted = Wanted(
        name=lookup.name,
        ra=lookup.ra or 0.0,
        dec=lookup.dec or 0.0,
        radius_arcsec=lookup.radius_arcsec or 0.0,
    )
    return talk_to(answer.broker, wanted)


def talk_to(broker: str, wanted: Wanted) -> list[dict[str, Any]]:
    """Ask a broker and wait for all of its answer: each object as a message that its form reads.

    Raises
    ------
    LookUpFailedError
        If it cannot be asked, or an answer cannot be used.
    """
    how = look_ups()[broker]
    secrets = secrets_of(how, wanted)
    until = time.monotonic() + settings.LOOKUP_SECONDS
    conversation = how.talk(wanted, secrets)
    said: Any = None
    failed: LookUpFailedError | None = None
    while True:
        try:
            ask = conversation.throw(failed) if failed else conversation.send(said)
        except StopIteration as end:
            return list(end.value)[:MOST_FOUND]
        failed = None
        try:
            said = call(broker, how, ask, until=until)
        except LookUpFailedError as error:
            failed = error


def secrets_of(how: LookUp, wanted: Wanted) -> Mapping[str, str]:
    """The credential of a broker for what is wanted.

    Raises
    ------
    LookUpFailedError
        If one of its settings is not set; for a place at a broker with a credential for names and
        another for numbers, if neither is.
    """
    names = (wanted.name.isdigit() and how.secrets_for_numbers) or how.secrets
    is_place = not wanted.name
    also = how.secrets_for_numbers if is_place else ()
    values = {name: str(getattr(settings, name, "")) for name in (*names, *also)}
    missing = [name for name, value in values.items() if not value]
    if also and len(missing) < len(values):  # one of them opens a part of it
        return {name: value for name, value in values.items() if value}
    if missing:
        reason = f"{NOT_ASKED}set {' or '.join(missing) if also else ', '.join(missing)}"
        raise LookUpFailedError(reason)
    return values


def _finish(
    answer: Answer, state: AnswerState, *, reason: str = "", found: list[Any] | None = None
) -> None:
    Answer.objects.filter(pk=answer.pk, state__in=UNDER_WAY).update(
        state=state, reason=reason, found=found or [], finished=timezone.now()
    )
