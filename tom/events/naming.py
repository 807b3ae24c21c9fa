"""Which event a message belongs to: by its names, through the joins of events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q

from tom.events.circulars import link_circulars
from tom.events.joins import EventJoin
from tom.events.models import EventKind, NonLocalizedEvent
from tom.forms.by_hand import PREFIX, SENDER, TEST
from tom.forms.event_names import key_of
from tom.forms.gcn_notices import MOST_NAME
from tom.forms.topics import is_test_topic
from tom.records.notice import Notice
from tom.streams.models import AlertMessage


@dataclass(frozen=True, slots=True)
class Named:
    """The event that a message names.

    Attributes
    ----------
    event
        The event to whose chain it is added, locked.
    origin
        The event that was joined to that one and which the message names; None: none was.
    others
        Other events that the message names, too.
    """

    event: NonLocalizedEvent
    origin: NonLocalizedEvent | None
    others: tuple[NonLocalizedEvent, ...]


def find_named(message: AlertMessage, notice: Notice) -> Named:
    """Find the event by any of the notice's names, or make it; lock it; add the other names.

    The names of a burst that it followed count too, so that the two are one. A name that another
    event has is not added: the two may be joined, by that name or by a person. What a person made
    by hand and what a mission tells are two events, which such a name joins: so the mission's is
    kept, and they can be taken apart. So are a merger and the burst that it followed, whichever
    was told first: the merger has its own name, and is kept.
    """
    is_by_hand = notice.sender == SENDER
    names = _names_of(message, notice)
    matched = _matching(names)
    own = set(map(key_of, names)) - set(map(key_of, notice.followed))
    alike = (row for row in matched if row.is_by_hand is is_by_hand)
    meant = next((row for row in alike if row.kind == notice.kind or _has(row, own)), None)
    if meant is None:
        kind = EventKind(notice.kind) if notice.names else EventKind.UNKNOWN
        meant = NonLocalizedEvent.objects.create(event_id=names[0], kind=kind)
        matched.append(meant)
    roots = {row.pk: root_of(row) for row in matched}
    event = NonLocalizedEvent.objects.select_for_update().get(pk=roots[meant.pk].pk)
    others = {root.pk: root for root in roots.values() if root.pk != event.pk}
    missions = [row for row in matched if roots[row.pk].pk in others and not row.is_by_hand]
    learnt = set(map(key_of, names)) - {key for row in missions for key in row.names}
    _learn(event, learnt)
    origin = meant if meant.pk != event.pk else None
    if origin is not None:
        _learn(origin, learnt)
    return Named(event, origin, tuple(others.values()))


def _names_of(message: AlertMessage, notice: Notice) -> tuple[str, ...]:
    """What a notice calls its event; only a person's own message names one made by hand.

    A test that only its topic tells has a name of its own: the same name may be a live event's.
    """
    names, followed = (
        [name for name in told if notice.sender == SENDER or not name.startswith(PREFIX)]
        for told in (notice.names, notice.followed)
    )
    if is_test_topic(message.topic):
        followed = []
        if not notice.test_reasons:
            names = [f"{name[: MOST_NAME - len(TEST)]}{TEST}" for name in names]
    # An event without a name stays unidentified. Its message names it. It is never merged by guess.
    return (*(names or [f"unidentified-{message.sha256[:12]}"]), *followed)


def root_of(event: NonLocalizedEvent) -> NonLocalizedEvent:
    """Return the event that an event was joined to, and that one, and so on; itself if to none."""
    while event.joined_to is not None:
        event = event.joined_to
    return event


def were_parted(one: NonLocalizedEvent, two: NonLocalizedEvent) -> bool:
    """Whether a person took these two events apart, and nobody joined them again."""
    both = [one.pk, two.pk]
    rows = EventJoin.objects.filter(kept__in=both, other__in=both).order_by("-pk")
    newest = rows.first()
    return newest is not None and newest.parted is not None


def _matching(names: Sequence[str]) -> list[NonLocalizedEvent]:
    """The events with one of these names, first the one that has the first name.

    A joined event has fewer names than the one that it was joined to, so it comes before that.
    """
    known = Q(event_id__in=names)
    for name in names:
        known |= Q(names__contains=[key_of(name)])
    rows = NonLocalizedEvent.everything.filter(known).select_related("joined_to")
    first = key_of(names[0])
    return sorted(rows, key=lambda row: (_is_other(row, names[0], first), len(row.names), row.pk))


def _has(row: NonLocalizedEvent, keys: Collection[str]) -> bool:
    return not {*row.names, key_of(row.event_id)}.isdisjoint(keys)


def _is_other(row: NonLocalizedEvent, name: str, key: str) -> bool:
    return row.event_id != name and key not in row.names


def _learn(event: NonLocalizedEvent, keys: Collection[str]) -> None:
    learnt = sorted({*event.names, *keys})
    if learnt != event.names:
        event.names = learnt
        event.save(update_fields=["names"])
        if event.joined_to_id is None:
            link_circulars(event)
