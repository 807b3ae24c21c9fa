"""What somebody's classifier says of an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tom import taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One classifier's chances of an object's classes.

    Attributes
    ----------
    classifier, version
        Which one it is, and its version, as its author names them.
    probabilities
        Class to probability, 0 to 1, in its author's own names. They need not sum to 1: authors
        leave out what is unlikely.
    classes
        Its author's name of a class to ours (`tom.taxonomy`); names that are not known are absent.
    time
        When it was said, aware, UTC, where its author keeps a history; None: when the rest was.
    """

    classifier: str
    version: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What one message says that an object is.

    Attributes
    ----------
    author
        Who says it: a broker's name, as it declares itself.
    survey, object_id
        The object's identity in the survey that saw it.
    ra, dec
        ICRS degrees, or None: where the object is, for one whose id is not known here.
    time
        Time of the newest point that the classifier used, aware, UTC; None if the message does
        not say.
    judgements
        What each classifier says.
    redshift
        Of the object, as its author has it, or None.
    tags
        Words that its author marks the object with.
    taxonomy
        The version of the tree that `classes` of the judgements are of.
    left_out
        Each value that could not be used, with the reason.
    """

    author: str
    survey: str
    object_id: str
    judgements: tuple[Judgement, ...] = ()
    tags: tuple[str, ...] = ()
    redshift: float | None = None
    ra: float | None = None
    dec: float | None = None
    time: datetime | None = None
    taxonomy: str = taxonomy.VERSION
    left_out: tuple[str, ...] = ()
