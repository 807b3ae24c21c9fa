"""Find what declares itself in `tom/surveys`, `tom/missions` and `tom/brokers`, or by entry point.

Each module or package there holds one object: a `Survey`, a `Mission` or a `Broker`.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from tom.forms.by_hand import SENDER as BY_HAND
from tom.forms.declared import Broker, Colour, Form, Lane, LookUp, Mission, Sender, Survey
from tom.forms.networks import NETWORKS
from tom.records import Notice, ObjectAlert, Retelling

ENTRY_POINT_GROUP = "tom.senders"
# A broker adds to a survey's packets: it is asked first whether one is its own.
FOLDERS = ("tom.missions", "tom.brokers", "tom.surveys")
KINDS = (Survey, Mission, Broker)


class DeclarationError(ValueError):
    """What a module declares cannot be used; the module must be corrected."""


@cache
def senders() -> Mapping[str, Sender]:
    """Every declared sender by the name of its module, those of ours first.

    Raises
    ------
    DeclarationError
        If a module declares none or several, or two share a name or the name of a form.
    """
    found = {name: _declared(importlib.import_module(f"{at}.{name}")) for at, name in _modules()}
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        found.setdefault(entry.name, _checked(entry.load(), entry.value))
    _refuse_twins([sender.name for sender in found.values()], "sender")
    named = [form for sender in found.values() for form in sender.forms]
    _refuse_twins([form.name for form in (*named, *NETWORKS)], "form")
    return found


@cache
def forms() -> Mapping[str, Form]:
    """Every form by its name: those of senders, then those of the networks themselves."""
    named = [form for sender in senders().values() for form in sender.forms]
    return {form.name: form for form in (*named, *NETWORKS)}


@cache
def surveys() -> Mapping[str, Survey]:
    """Every survey by its name."""
    return {each.name: each for each in senders().values() if isinstance(each, Survey)}


@cache
def broker_names() -> tuple[str, ...]:
    """The names of the brokers, and of whom else can be asked: authors of classifications."""
    brokers = {each.name for each in senders().values() if isinstance(each, Broker)}
    return tuple(sorted(brokers | look_ups().keys()))


@cache
def look_ups() -> Mapping[str, LookUp]:
    """How each sender is asked that can be, by its name."""
    found = ((each.name, each.look_up) for each in senders().values())
    return {name: how for name, how in sorted(found, key=lambda pair: pair[0]) if how is not None}


@cache
def missions() -> tuple[Mission, ...]:
    """Every mission."""
    return tuple(each for each in senders().values() if isinstance(each, Mission))


@cache
def voices() -> frozenset[str]:
    """The senders of events that speak as one: missions that say so, and people."""
    return frozenset({BY_HAND, *(each.name for each in missions() if each.speaks_as_one)})


@cache
def colours() -> Mapping[str, Colour]:
    """The colour of each band. If surveys share a band's name, the first one's colour counts."""
    found: dict[str, Colour] = {}
    for survey in surveys().values():
        for name, band in survey.bands.items():
            found.setdefault(name, band.colour)
    return found


def survey_of(name: str) -> Survey:
    """What a survey declares; if it declares nothing, its name alone, and all of it is private."""
    return surveys().get(name) or Survey(name=name)


@cache
def batch_forms() -> tuple[str, ...]:
    """The names of the forms whose messages are worked on in batches."""
    return tuple(form.name for form in forms().values() if form.lane is Lane.BATCH)


@cache
def alert_forms() -> tuple[str, ...]:
    """The names of the forms whose messages may be alerts of objects."""
    kinds = (ObjectAlert, Retelling)
    return tuple(form.name for form in forms().values() if form.record in kinds)


@cache
def event_forms() -> tuple[str, ...]:
    """The names of the forms whose messages become events."""
    return tuple(form.name for form in forms().values() if form.record is Notice)


def _modules() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for module in pkgutil.iter_modules(importlib.import_module(folder).__path__):
            yield folder, module.name


def _declared(module: ModuleType) -> Sender:
    found = [value for value in vars(module).values() if isinstance(value, KINDS)]
    if len(found) != 1:
        message = f"{module.__name__} must declare one survey, mission or broker, not {len(found)}"
        raise DeclarationError(message)
    return _checked(found[0], module.__name__)


def _checked(sender: object, where: str) -> Sender:
    if not isinstance(sender, KINDS):
        message = f"{where} is not a survey, mission or broker"
        raise DeclarationError(message)
    return sender


def _refuse_twins(names: list[str], what: str) -> None:
    twins = sorted(name for name, n in Counter(names).items() if n > 1)
    if twins:
        message = f"two declare the {what} {twins[0]!r}"
        raise DeclarationError(message)
