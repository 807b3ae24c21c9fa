"""What messages say of objects, stored: light curves, classifications, tags, memberships."""

from collections.abc import Mapping, Sequence

from tom.candidates.hosts import note_given_redshifts
from tom.candidates.services import match_targets, match_told
from tom.candidates.told import note_told
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.forms.registry import survey_of
from tom.forms.topics import is_test_topic
from tom.records import Classification, ObjectAlert, Retelling
from tom.reports.notifications.messages import notify_alerts
from tom.scoring.services import note_given
from tom.streams.models import AlertMessage
from tom.targets.arrivals import keep_arrivals
from tom.targets.classified import keep_classifications
from tom.targets.hosts import keep_hosts
from tom.targets.objects import ObjectKey, targets_of
from tom.targets.programs import Program
from tom.targets.redshifts import REDSHIFT, keep_told_redshifts
from tom.targets.sightings import key_of
from tom.targets.store import store_alerts
from tom.targets.stream_programs import programs_of_words
from tom.targets.tags import keep_tags

# A message and what it says of an object.
Told = tuple[AlertMessage, ObjectAlert]
Classified = tuple[AlertMessage, Classification]


def keep_alerts(told: Sequence[Told]) -> None:
    """Store alerts of objects, match their targets and tell who is to hear of them."""
    if not told:
        return
    hold_events()
    changes = store_alerts([alert for _, alert in told], tests=_known_from_tests(told))
    keep_arrivals(told)
    keep_hosts([alert for _, alert in told], changes.targets)
    match_targets(changes.changed)
    # Of a public message and a private one the public one is named.
    told = sorted(told, key=lambda pair: pair[0].group_id is None)
    senders = {changes.targets[key_of(alert)]: message for message, alert in told}
    notify_alerts(senders, programs=changes.programs)
    if changes.changed:
        publish(Topic.ALERTS)


def _known_from_tests(told: Sequence[Told]) -> set[ObjectKey]:
    """The objects that only messages on test topics speak of, and those that are made up."""
    topics: dict[ObjectKey, set[str]] = {}
    for message, alert in told:
        topics.setdefault(key_of(alert), set()).add(message.topic)
    return {
        (survey, name)
        for (survey, name), where in topics.items()
        if survey_of(survey).is_simulated or all(map(is_test_topic, where))
    }


def keep_words(told: Sequence[Classified]) -> None:
    """Keep what brokers say of objects: their classes, and their tags."""
    tests = [
        message.pk
        for message, said in told
        if survey_of(said.survey).is_simulated or is_test_topic(message.topic)
    ]
    programs = programs_of_words(told)
    n_new = keep_classifications(told, tests=tests, programs=programs)
    openly = [said for message, said in told if message.pk not in programs]
    targets = targets_of((said.survey, said.object_id) for said in openly)
    if n_new:
        note_given("classifications", targets)
        for program, theirs in _targets_in_private(told, programs).items():
            note_given("classifications", theirs, program=program)
    if keep_told_redshifts(openly):
        note_given(REDSHIFT, targets)
        note_given_redshifts(targets)
    if keep_tags(told, tests=tests, programs=programs) or n_new:
        publish(Topic.ALERTS)


def _targets_in_private(
    told: Sequence[Classified], programs: Mapping[int, Mapping[str, Program]]
) -> dict[int, set[int]]:
    """The targets of what groups' streams say, by the program that it is in."""
    keys: dict[int, set[ObjectKey]] = {}
    for message, said in told:
        if message.pk in programs:
            program = programs[message.pk][said.survey].pk
            keys.setdefault(program, set()).add((said.survey, said.object_id))
    return {program: targets_of(theirs) for program, theirs in keys.items()}


def keep_memberships(message: AlertMessage, told: Retelling) -> None:
    """Make objects candidates of the events that a public message says they belong to."""
    if not told.memberships or message.group_id is not None or is_test_topic(message.topic):
        return
    hold_events()
    for event in note_told(message, told.memberships):
        match_told(event)
        publish(Topic.EVENT, event.event_id)
