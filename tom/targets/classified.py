"""The classifications of objects by brokers: rows that are added and never changed."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from tom_targets.base_models import BaseTarget

from tom.kept_queries import AnyOf, Given, kept_query
from tom.moments import Fact
from tom.records import classification as records
from tom.sky import cone_ranges, healpix29
from tom.streams.models import AlertMessage
from tom.targets.objects import SurveyObject, own_objects
from tom.targets.programs import Program, Visitor, told_to
from tom.targets.said import find_words
from tom.taxonomy import within

LIKELIER_THAN_NOT = 0.5
VOICE = ("author", "classifier", "survey", "object_id", "is_test")
"""What tells the opinions of one classifier of one object from others; a test says nothing real."""


class ClassificationQuerySet(models.QuerySet["Classification"]):
    """Reads of classifications."""

    def standing(self) -> "ClassificationQuerySet":
        """Leave out what a person withdrew."""
        return self.filter(withdrawal=None)

    def in_turn(self) -> "ClassificationQuerySet":
        """The newest word of each classifier of each object first, then the second newest of each.

        So none is missing where the first so many are read. `n_said` is how many it said in all.
        """
        turn = Window(RowNumber(), partition_by=VOICE, order_by=("-time", "-pk"))
        return self.annotate(turn=turn, n_said=Window(Count("pk"), partition_by=VOICE)).order_by(
            "turn", "-time", "-pk"
        )


class Classification(Fact):
    """One classifier's opinion of one object, from data up to `time`.

    It stands on the target that is this object, whichever that is when somebody looks. A class that
    a person took from a spectrum can be withdrawn; nothing else of a row ever changes.
    """

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100)
    healpix29 = models.BigIntegerField(
        null=True, db_index=True, help_text="The address of its author's own page of it"
    )
    author = models.CharField(max_length=64, help_text="The broker that sent it")
    classifier = models.CharField(max_length=100)
    version = models.CharField(max_length=50, blank=True)
    time = models.DateTimeField(
        help_text="The time of the newest point that it used, or else when it came"
    )
    probabilities = models.JSONField(help_text="Its author's name of a class to its probability")
    classes = models.JSONField(default=dict, help_text="Its author's name of a class to ours")
    taxonomy = models.CharField(max_length=16, help_text="The version of the tree of our classes")
    is_test = models.BooleanField(default=False, help_text="Whether it came on a test topic")
    message = models.ForeignKey(
        AlertMessage, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    program = models.ForeignKey(
        Program,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="+",
        help_text="Whose readers alone may know of it; None: it was told to everybody",
    )
    says = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Our name of the class that its author thinks it is",
    )
    from_spectrum = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether a person took it from an uploaded spectrum: its author",
    )
    spectrum = models.ForeignKey(
        "targets.UploadedSpectrum",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="classes",
        help_text="The uploaded spectrum that it was taken from, while that is there",
    )
    withdrawal = models.ForeignKey(
        "targets.Withdrawal",
        null=True,
        blank=True,
        on_delete=models.CASCADE,  # else the class would stand again
        db_index=False,
        related_name="classes",
        help_text="By which it is withdrawn; None: it stands",
    )
    digest = models.CharField(
        max_length=64, help_text="A digest of the probabilities. The same ones again add no row"
    )

    objects = ClassificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("survey", "object_id", "author", "classifier", "version", "time", "digest"),
                    "program",
                ],
                name="targets_classification_once",
                nulls_distinct=False,  # what a group was told may be told to everybody, too
            )
        ]
        indexes = [
            models.Index(fields=["says", "author"], name="targets_classification_says"),
            # Which programs were told anything: few rows are told to a group alone.
            models.Index(
                fields=["program"],
                condition=Q(program__isnull=False),
                name="targets_classification_told",
            ),
            # Few rows are of a spectrum, and fewer are withdrawn.
            models.Index(
                fields=["spectrum"],
                condition=Q(spectrum__isnull=False),
                name="targets_classification_spec",
            ),
            models.Index(
                fields=["withdrawal"],
                condition=Q(withdrawal__isnull=False),
                name="targets_classification_gone",
            ),
        ]
        ordering = ("-time", "-pk")

    def __str__(self) -> str:
        return f"{self.author} {self.classifier} of {self.survey} {self.object_id}"

    @property
    def likely(self) -> list[tuple[str, str, float]]:
        """The author's classes, ours where known, and their chances, the likeliest first."""
        chances = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return [(name, self.classes.get(name, ""), chance) for name, chance in chances]


def said_class(probabilities: Mapping[str, float], classes: Mapping[str, str]) -> str:
    """Our name of the likeliest class if that is likelier than not; else empty.

    Who gives a chance of a quarter to each of four classes says nothing of either.
    """
    likely = max(probabilities, key=lambda name: (probabilities[name], name), default="")
    return classes.get(likely, "") if probabilities.get(likely, 0.0) >= LIKELIER_THAN_NOT else ""


Told = tuple[AlertMessage, records.Classification]


def keep_classifications(
    told: Sequence[Told],
    *,
    tests: Iterable[int] = (),
    programs: Mapping[int, Mapping[str, Program]] = MappingProxyType({}),
) -> int:
    """Store classifications, each once; return how many rows are new.

    `tests` are the keys of the messages that came on test topics. `programs` are those of what a
    group's stream says, by the message's key and the survey.
    """
    if not told:
        return 0
    on_test = set(tests)
    rows = [
        row
        for message, record in told
        for row in _rows(
            message,
            record,
            is_test=message.pk in on_test,
            program=programs.get(message.pk, {}).get(record.survey),
        )
    ]
    # In one order: a trigger locks what is kept of each object (`ObjectWords`).
    rows.sort(key=lambda row: (row.survey, row.object_id))
    before = Classification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    Classification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return Classification.objects.filter(pk__gt=before, message__in=[m.pk for m, _ in told]).count()


def _rows(
    message: AlertMessage,
    record: records.Classification,
    *,
    is_test: bool,
    program: Program | None,
) -> Iterable[Classification]:
    has_place = record.ra is not None and record.dec is not None
    place = int(healpix29(record.ra, record.dec)) if has_place else None  # type: ignore[arg-type]
    for judgement in record.judgements:
        said = json.dumps(dict(judgement.probabilities), sort_keys=True)
        yield Classification(
            survey=record.survey,
            object_id=record.object_id,
            healpix29=place,
            author=record.author,
            classifier=judgement.classifier[:100],
            version=judgement.version[:50],
            time=judgement.time or record.time or message.received,
            probabilities=dict(judgement.probabilities),
            classes=dict(judgement.classes),
            taxonomy=record.taxonomy,
            is_test=is_test,
            message=message,
            program=program,
            says=said_class(judgement.probabilities, judgement.classes),
            digest=hashlib.sha256(said.encode()).hexdigest(),
        )


def classifications_of(target: BaseTarget, user: Visitor) -> ClassificationQuerySet:
    """The classifications of a target's own objects and of others at its place, the newest first.

    Those alone that the user may know of. What a group was told, and everybody, is there once.

    Of its own those alone that bear one of its names: others are not everybody's to know of. The
    place is the target's as it is here: the caller has shown it to its reader.
    """
    return told_of(own_objects(target), cells_at(target), user)


def told_of(
    objects: Iterable[tuple[Any, Any]], cells: Iterable[tuple[Any, Any]], user: Visitor
) -> ClassificationQuerySet:
    """As `classifications_of`, of these objects, and of these cells of the sky."""
    own, near = Q(pk__in=[]), Q(pk__in=[])
    for survey, object_id in objects:
        own |= Q(survey=survey, object_id=object_id)
    for start, stop in cells:
        near |= Q(healpix29__gte=start, healpix29__lt=stop)
    known = SurveyObject.objects.filter(survey=OuterRef("survey"), object_id=OuterRef("object_id"))
    rows = Classification.objects.standing()
    rows = rows.filter((own | (near & Q(~Exists(known)))) & told_to(user))
    return rows.exclude(Exists(_same_for_all()), program__isnull=False)


def _same_for_all() -> QuerySet[Classification]:
    """What everybody was told of the same."""
    names = ("survey", "object_id", "author", "classifier", "version", "time", "digest")
    same = {name: OuterRef(name) for name in names}
    return Classification.objects.standing().filter(**same, program=None)


def find_classified(
    programs: Collection[int], *, label: str | None = None, author: str | None = None
) -> QuerySet[SurveyObject, Any]:
    """The targets of which a classifier's newest word is a class, or a narrower one; or any.

    As a query for their keys, which another one looks in.

    Parameters
    ----------
    programs
        Private programs that the reader may read: of others' objects nothing counts.
    label
        One of our classes; None: whatever was said counts.
    author
        Who says it; None: anybody.
    """
    same = {"survey": OuterRef("survey"), "object_id": OuterRef("object_id")}
    known = _were_told(programs)
    told = _numbers_told(known)
    words = find_words(told, label=label, author=author)
    objects = SurveyObject.objects.filter(Exists(words.filter(**same)), programs__overlap=[*known])
    if label is not None and told:  # whoever has said anything has a newest word
        newest = _newest(Q(program=None) | Q(program__in=told), label, author)
        objects = objects.filter(Exists(newest.filter(**same)))
    return objects.values("target")


def guess_said(programs: Collection[int], *, label: str | None, author: str | None) -> int:
    """The database's guess of how many objects `find_classified` finds, known here or not.

    By its statistics, so it takes no time; to count them takes long.
    """
    words = find_words(_numbers_told(_were_told(programs)), label=label, author=author)
    (plan,) = json.loads(words.explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])


def _were_told(programs: Collection[int]) -> dict[int, bool]:
    """Whether anything was told to the readers of each program that is public or among these."""
    return dict(_readable(programs=list(programs)))


@kept_query
def _readable(*, programs: Given) -> QuerySet[Program, Any]:
    told = Exists(Classification.objects.filter(program=OuterRef("pk")))
    rows = Program.objects.filter(Q(public=True) | Q(AnyOf("pk", programs)))
    return rows.annotate(was_told=told).values_list("pk", "was_told")


def _numbers_told(known: Mapping[int, bool]) -> list[int]:
    # By their numbers: of a query inside the query the database would guess that few fit.
    return sorted(pk for pk, was_told in known.items() if was_told)


def _newest(known: Q, label: str, author: str | None) -> QuerySet[Classification]:
    """The newest words of a class, of all programs that are known."""
    words = Classification.objects.standing()
    said = words.filter(known, is_test=False, says__in=within(label))
    if author is not None:
        said = said.filter(author=author)
    return said.filter(~Exists(_newer().filter(known)))


def _newer() -> QuerySet[Classification]:
    """What the same classifier said later of the same object."""
    return Classification.objects.standing().filter(
        Q(time__gt=OuterRef("time")) | Q(time=OuterRef("time"), pk__gt=OuterRef("pk")),
        survey=OuterRef("survey"),
        object_id=OuterRef("object_id"),
        author=OuterRef("author"),
        classifier=OuterRef("classifier"),
        is_test=False,
    )


def cells_at(target: BaseTarget) -> list[tuple[int, int]]:
    """The cells of the sky at a target's place: the first and the last order-29 id of each."""
    if target.ra is None or target.dec is None:
        return []
    radius = settings.JOIN_DEFAULT_ARCSEC
    cells = cone_ranges(ra=target.ra, dec=target.dec, radius_arcsec=radius)
    return [(start, stop) for start, stop in cells.tolist()]
