"""What brokers last said of each object, in words that an index finds; the database keeps them."""

from collections.abc import Collection

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, QuerySet

from tom.taxonomy import within


class ObjectWords(models.Model):
    """The newest words of all classifiers of one object, tests left out.

    A trigger writes the row in the transaction that stores a classification, whether the object
    is known here or not. A word is `class|author|program`, of what each program's readers were
    told: with the class, the author or both; the program is empty where everybody was told.
    """

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100)
    words = ArrayField(models.TextField())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "object_id"], name="targets_words_once")
        ]
        indexes = [GinIndex(fields=["words"], name="targets_words_said")]

    def __str__(self) -> str:
        return f"what is said of {self.survey} {self.object_id}"


def find_words(
    told: Collection[int], *, label: str | None, author: str | None
) -> QuerySet[ObjectWords]:
    """The objects of which a class or an author is among the newest words of a program.

    Parameters
    ----------
    told
        The programs that count, beside what everybody was told. With one or more of them an object
        may be found by a word that a newer one of another program has overtaken.
    label
        One of our classes: it and the narrower ones count; None: any, and none.
    author
        Who says it; None: anybody.
    """
    labels = sorted(within(label)) if label is not None else [""]
    wanted = [f"{each}|{author or ''}|{pk}" for each in labels for pk in ("", *told)]
    return ObjectWords.objects.filter(Q(words__overlap=wanted))
