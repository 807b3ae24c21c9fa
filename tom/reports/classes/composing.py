"""Which scores are told to the survey whose alerts they are of, and the messages that tell them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.formats.errors import MalformedAlertError
from tom.forms.declared import Opinion, Survey
from tom.forms.registry import surveys
from tom.reports.classes.models import ClassMessage, TellState
from tom.scoring.contract import ScorerKind
from tom.scoring.models import Score
from tom.scoring.services import scorers
from tom.streams.packets import read_packets
from tom.targets.arrivals import Arrival
from tom.targets.objects import SurveyObject

NEWS: Final = timedelta(days=1)
"""An older score is not told: when the sending is switched on, the past stays untold."""
_NO_ALERT: Final = "the bytes of no public alert that it rests on are kept"


def compose_due(now: datetime, *, most: int) -> int:
    """Make the messages of up to `most` scores that have none; return how many.

    Raises
    ------
    PacketStoreError
        If the packets cannot be read now; nothing was made.
    """
    found = list(scores_to_tell(now).select_related("target").order_by("pk")[:most])
    arrivals = _arrivals_of(found)
    messages = [arrival.message for arrival in arrivals.values()]
    packets = read_packets(messages)
    packets |= {row.pk: bytes(row.payload) for row in messages if row.payload is not None}
    rows = [_row(score, arrivals.get(score.pk), packets) for score in found]
    # Another worker may have made some of them meanwhile.
    ClassMessage.objects.bulk_create(rows, ignore_conflicts=True)
    return len(found)


def scores_to_tell(now: datetime) -> QuerySet[Score]:
    """Return the scores that are to be told and have no message yet.

    They are of the public points of a public target that is a test, and of a simulation alone.
    """
    told = answering()
    others = SurveyObject.objects.exclude(survey__in=_simulated())
    return Score.objects.filter(
        _by_scorers(told.values()),
        created__gte=now - NEWS,
        programs=[],
        since=None,
        probability__isnull=False,
        target__summary__is_test=True,
        class_message=None,
    ).filter(
        tellable("target"),
        Exists(SurveyObject.objects.filter(target=OuterRef("target"), survey__in=list(told))),
        ~Exists(others.filter(target=OuterRef("target"))),
    )


def tellable(target: str) -> Q:
    """Ask for rows whose target at `target` everybody may see."""
    return ~Q(**{f"{target}__permissions": BaseTarget.Permissions.PRIVATE})


def answering() -> dict[str, Survey]:
    """Return the simulations that take our classes, by their names."""
    return {
        name: survey
        for name, survey in surveys().items()
        if survey.is_simulated and survey.answers is not None
    }


def _simulated() -> list[str]:
    return [name for name, survey in surveys().items() if survey.is_simulated]


def _by_scorers(told: Iterable[Survey]) -> Q:
    """Ask for scores of installed scorers all of whose classes some of the surveys names."""
    named = [survey.answers.classes for survey in told if survey.answers is not None]
    return Q(
        scorer__in=[
            scorer.spec.name
            for scorer in scorers()
            if scorer.spec.kind == ScorerKind.PROBABILITY
            and any(set(scorer.spec.classes) <= classes for classes in named)
        ]
    )


def _arrivals_of(found: Sequence[Score]) -> dict[int, Arrival]:
    """The newest public alert that each score knew of, by the score's key."""
    rows = Arrival.objects.filter(
        object__target__in={score.target_id for score in found},
        object__survey__in=list(answering()),
        program__public=True,
        message__group=None,
    )
    rows = rows.select_related("message", "object").order_by("time", "message_id")
    of_target: dict[int, list[Arrival]] = {}
    for arrival in rows:
        of_target.setdefault(arrival.object.target_id, []).append(arrival)
    return {
        score.pk: known[-1]
        for score in found
        if (known := [row for row in of_target.get(score.target_id, ()) if _knew(score, row)])
    }


def _knew(score: Score, arrival: Arrival) -> bool:
    return score.data_until is None or arrival.time <= score.data_until


def _row(score: Score, arrival: Arrival | None, packets: dict[int, bytes]) -> ClassMessage:
    """The message of a score; one that cannot be written says why, and is not sent."""
    row = ClassMessage(score=score, url=settings.CLASSES_URL, body=b"")
    payload = packets.get(arrival.message_id) if arrival is not None else None
    if arrival is None or not payload:
        row.state, row.reason = TellState.REFUSED, _NO_ALERT
        return row
    answers = surveys()[arrival.object.survey].answers
    assert answers is not None  # noqa: S101  it is one of `answering`
    try:
        row.body = answers.write(payload, _opinion(score, arrival))
    except MalformedAlertError as error:
        row.state, row.reason = TellState.REFUSED, str(error)
    return row


def _opinion(score: Score, arrival: Arrival) -> Opinion:
    message = arrival.message
    return Opinion(
        author=settings.TOM_NAME,
        author_version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        scorer=f"{score.scorer} {score.version}",
        chances=score.probability or {},
        sent=message.sent or message.received,
        received=message.received,
    )
