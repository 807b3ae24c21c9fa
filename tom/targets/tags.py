"""The tags of objects by brokers: words that mark them, each kept once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.moments import Fact
from tom.records import classification as records
from tom.streams.models import AlertMessage
from tom.targets.objects import BY_HAND, own_objects
from tom.targets.programs import Program, Visitor, told_to

LONGEST = 60


class Tag(Fact):
    """A word that a broker marks an object with, since when we know of it."""

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100)
    author = models.CharField(max_length=64, help_text="The broker that sent it")
    tag = models.CharField(max_length=LONGEST)
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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "object_id", "author", "tag", "program"],
                name="targets_tag_once",
                nulls_distinct=False,
            )
        ]
        ordering = ("author", "tag")

    def __str__(self) -> str:
        return f"{self.author}: {self.tag}"


def keep_tags(
    told: Sequence[tuple[AlertMessage, records.Classification]],
    *,
    tests: Collection[int] = (),
    programs: Mapping[int, Mapping[str, Program]] = MappingProxyType({}),
) -> int:
    """Store the tags that messages give, each once; return how many rows are new.

    `tests` are the keys of the messages that came on test topics. `programs` are those of what a
    group's stream says, by the message's key and the survey.
    """
    rows = [
        Tag(
            survey=said.survey,
            object_id=said.object_id,
            author=said.author,
            tag=tag[:LONGEST],
            is_test=message.pk in tests,
            message=message,
            program=programs.get(message.pk, {}).get(said.survey),
        )
        for message, said in told
        for tag in said.tags
    ]
    if not rows:
        return 0
    before = Tag.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    Tag.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return Tag.objects.filter(pk__gt=before, message__in=[m.pk for m, _ in told]).count()


def tags_of(target: BaseTarget, user: Visitor) -> QuerySet[Tag]:
    """The tags of a target's objects, of those alone that bear one of its names.

    Those alone that the user may know of. What a group was told, and everybody, is there once.
    """
    return tags_on([key for key in own_objects(target) if key[0] != BY_HAND], user)


def tags_on(objects: Iterable[tuple[Any, Any]], user: Visitor) -> QuerySet[Tag]:
    """As `tags_of`, of these objects."""
    own = Q(pk__in=[])
    for survey, object_id in objects:
        own |= Q(survey=survey, object_id=object_id)
    same = {name: OuterRef(name) for name in ("survey", "object_id", "author", "tag")}
    openly = Tag.objects.filter(**same, program=None)
    return Tag.objects.filter(own & told_to(user)).exclude(Exists(openly), program__isnull=False)
