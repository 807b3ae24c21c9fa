"""What a survey, a mission and a broker say of themselves, each in one object of plain data."""

import re
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from tom.forms.images import ImageNumber
from tom.records import (
    Classification,
    Notice,
    ObjectAlert,
    Opened,
    Record,
    Retelling,
    Text,
    Trigger,
)
from tom.sky import Orientation

RecordKind = type[ObjectAlert] | type[Notice] | type[Classification] | type[Retelling] | type[Text]


class Encoding(StrEnum):
    """How the bytes of a form are written."""

    AVRO = "avro"  # an object container file
    FRAMED = "framed"  # Avro without its schema, in Confluent's framing
    JSON = "json"
    BSON = "bson"  # compressed by zlib
    XML = "xml"  # a VOEvent


class Lane(StrEnum):
    """How messages of a form are worked on."""

    ALONE = "alone"  # each by itself: few, and each matters
    BATCH = "batch"  # hundreds in one transaction: many, of objects


def nothing(_: Any) -> bool:
    """Recognise no content: such a form is known by its topics alone."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of messages.

    Attributes
    ----------
    name
        What `AlertMessage.kind` holds: never change it, for rows have it.
    record
        What its messages become; None: it is kept, and nothing reads it.
    encoding
        How its bytes are written.
    topics
        Patterns of the topics that carry it, as fnmatch reads them.
    recognises
        Whether content is of this form: of an Avro container its `WriterSchema`, of framed Avro
        the id of its schema, of JSON the object, of XML the `VOEvent`. What is damaged should be
        recognised, too; its parser says what it lacks.
    fields
        Of an Avro container: what each has at its top, and in each of these. It is said of a
        container of this sender's that is not recognised which of them it lacks.
    anywhere
        Whether it is believed on any topic by its content. Where false, only on its own topics and
        in files: otherwise anybody who may write to a topic could announce an event on it.
    keys
        Of JSON and XML: bytes of which any one shows a damaged message to be of this form.
    parse
        Bytes to such a record; raises MalformedAlertError.
    read_trigger
        Of a survey's alerts: bytes to the trigger, decoding as little else as can be; raises
        MalformedAlertError. None: whatever comes in this form is decoded whole.
    open
        Of a survey's alerts: bytes to the packet whose history is not read yet; raises
        MalformedAlertError. None: its history is read whole each time.
    lane
        How it is worked on.
    is_open
        Whether all who see messages may read its bytes. A survey's may be private.
    """

    name: str
    encoding: Encoding
    record: RecordKind | None = None
    topics: tuple[str, ...] = ()
    recognises: Callable[[Any], bool] = nothing
    fields: Mapping[str, Collection[str]] = field(default_factory=dict, hash=False)
    anywhere: bool = False
    keys: tuple[bytes, ...] = ()
    parse: Callable[[bytes], Record] | None = None
    read_trigger: Callable[[bytes], Trigger] | None = None
    open: Callable[[bytes], Opened] | None = None
    lane: Lane = Lane.ALONE
    is_open: bool = False

    def __post_init__(self) -> None:
        if (self.record is None) is not (self.parse is None):
            message = f"form {self.name!r}: a record and what parses it come together"
            raise ValueError(message)
        if self.lane is Lane.BATCH and self.record not in (ObjectAlert, Classification, Retelling):
            message = f"form {self.name!r}: only what speaks of objects goes in batches"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Another site's page on what has such a name; `url` holds {0} where the first group goes."""

    name: str
    pattern: str
    url: str


class Colour(StrEnum):
    """A colour of plots, by its name in the style sheet: each theme has its own shade."""

    GREEN = "g"
    RED = "r"
    AMBER = "i"
    VIOLET = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A filter: A / E(B-V) on the scale of SFD, and the colour in which plots show it."""

    extinction: float
    colour: Colour = Colour.VIOLET


@dataclass(frozen=True, slots=True, kw_only=True)
class Telescope:
    """What a report says that a point was taken with."""

    name: str
    instrument: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What every sender declares.

    Attributes
    ----------
    name
        What rows and pages call it.
    forms
        What it sends.
    pages
        Where else one can read of its objects or events.
    test_topics
        Regular expressions for the whole names of topics that carry tests. A topic whose name
        says so in a word (test, playground, demo, ...) needs none.
    private_topics
        Those for topics whose terms are private: what comes on them is for administrators alone,
        whatever form it has.
    look_up
        How it is asked for an object; None: it cannot be.
    """

    name: str
    forms: tuple[Form, ...] = ()
    pages: tuple[Page, ...] = ()
    test_topics: tuple[str, ...] = ()
    private_topics: tuple[str, ...] = ()
    look_up: "LookUp | None" = None

    def __post_init__(self) -> None:
        for pattern in (
            *self.test_topics,
            *self.private_topics,
            *(page.pattern for page in self.pages),
        ):
            re.compile(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a scorer of ours says of the newest alert that it knew of an object.

    Attributes
    ----------
    author, author_version
        Who we are to the survey, and the version of the site's software.
    scorer
        Its name and version.
    chances
        A probability of each of its classes, by the names of `tom.taxonomy`.
    sent
        When the alert was published (UTC): Kafka's time of it.
    received
        When we kept it (UTC).
    """

    author: str
    author_version: str
    scorer: str
    chances: Mapping[str, float]
    sent: datetime
    received: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a survey is told what our scorers say of its alerts.

    Attributes
    ----------
    classes
        The classes that it has a name for: a scorer that knows another one is not told.
    write
        An alert's bytes and the opinion to a message; raises MalformedAlertError where the alert
        cannot be read.
    """

    classes: frozenset[str]
    write: Callable[[bytes, Opinion], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey(Sender):
    """A survey: whose objects become targets.

    Attributes
    ----------
    bands
        By the name that its points have.
    telescope
        For reports; None: its own name stands for both.
    public_programs
        The numbers of those programs whose data everybody may see, where no row says otherwise.
    orientation
        How its stamps lie whose headers do not say so: steps of one pixel on the sky.
    read
        Reads one decoded packet, for brokers that pass it on with more in it.
    is_simulated
        Whether its objects are made up: their targets are tests, and reach nothing real.
    types_objects
        Whether the classes that it tells rest on spectra: scorers are measured by them.
    answers
        How it is told our scorers' classes; None: it takes none. Of a simulation alone.
    image
        Of a survey that always points at the same fields: where a point's key has the number of its
        image. None: it has no such fields, or its keys tell no images.
    """

    bands: Mapping[str, Band] = field(default_factory=dict)
    telescope: Telescope | None = None
    public_programs: frozenset[int] = frozenset()
    orientation: Orientation | None = None
    read: Callable[[Mapping[str, Any]], ObjectAlert] | None = None
    is_simulated: bool = False
    types_objects: bool = False
    answers: Answers | None = None
    image: ImageNumber | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of an event that a mission states, by where `Notice.facts` have it.

    Attributes
    ----------
    name
        What a page calls it.
    places
        Where it stands, keys joined by `__`, `LIST__0__KEY` within a list: the first one that is
        there counts.
    unit
        In which a page shows the number.
    error
        Where the number's error stands.
    scale
        By which the mission's numbers are multiplied to have the unit.
    """

    name: str
    places: tuple[str, ...]
    unit: str = ""
    error: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission(Sender):
    """A mission: whose notices become events.

    Attributes
    ----------
    event_names
        Regular expressions, without groups, of what people call its events in a text.
    prefixes
        Words that people write before such a name without a blank.
    detectors
        What its notices call an instrument, and what a page does.
    told_as
        How other missions write the id of an event that they followed: a regular expression for
        the whole text, and the event's name made of its first group.
    named_as
        How a circular of its own gives an event a name that everybody uses: a regular expression
        for that name and for the id, and the event's name made of the second group.
    figures
        What its notices state of an event, in the order in which pages show it.
    speaks_as_one
        Whether its newest map counts, whoever of it made that: a pipeline, or one of its detectors.
        Else the newest map of each of its telescopes does.
    """

    event_names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    detectors: Mapping[str, str] = field(default_factory=dict)
    told_as: tuple[tuple[str, str], ...] = ()
    named_as: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    speaks_as_one: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks up: a name, or a place (ICRS degrees) with a radius."""

    name: str = ""
    ra: float = 0.0
    dec: float = 0.0
    radius_arcsec: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call of a broker's API; with `form` or `json` it is a POST."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class NoAnswerError(Exception):
    """A call of a conversation failed; the text says why. It is raised where the call stands.

    A conversation that can do without that answer catches it; else the whole of it has failed.
    """


Conversation = Generator[Ask, Any, list[dict[str, Any]]]
"""Yields what to ask, is sent the JSON of each answer (None where there is nothing, a 404), and
returns what it found: each a message that a form of the broker reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """How a broker is asked for an object.

    Attributes
    ----------
    talk
        The calls for what is wanted, and the settings named in `secrets`.
    form
        The name of the form that its answers have.
    per_minute
        How many calls a minute it is asked at most.
    secrets
        The settings that hold its credential; without one of them it is not asked.
    secrets_for_numbers
        Those in their place where the name is a number, as Rubin's are; empty: the same. For a
        place `talk` gets those of both that are set, at least one.
    daily
        How its table of a day is asked for, a CSV in a zip; None: it has none.
    table_topic
        The topic on which the rows of such a table are kept.
    columns
        What each such table has.
    """

    talk: Callable[[Wanted, Mapping[str, str]], Conversation]
    form: str
    per_minute: int = 30
    secrets: tuple[str, ...] = ()
    secrets_for_numbers: tuple[str, ...] = ()
    daily: Callable[[date, Mapping[str, str]], Ask] | None = None
    table_topic: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker(Sender):
    """A broker: whose classifications stand on targets."""
