"""What is stored of the histories that an object's packets repeat, so that it is read once.

An entry of a history is known by a digest of its bytes. Once its point is merged, merging it again
changes nothing: of two copies the greater stays. So an entry whose digest is here is skipped.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection, models

from tom.formats.entries import DIGEST_BYTES
from tom.records.alert import ObjectAlert
from tom.targets.objects import ObjectKey, SurveyObject
from tom.targets.sightings import key_of

_FIND = """
    SELECT o.survey, o.object_id, h.digests
    FROM targets_surveyobject o JOIN targets_storedhistory h USING (id)
    WHERE o.survey = ANY(%s) AND o.object_id = ANY(%s)
"""
_KEEP = """
    INSERT INTO targets_storedhistory AS old (id, digests)
    SELECT * FROM unnest(%s::bigint[], %s::bytea[])
    ON CONFLICT (id) DO UPDATE SET digests = excluded.digests
    WHERE old.digests <> excluded.digests
"""
_FORGET = """
    DELETE FROM targets_storedhistory
    WHERE id IN (SELECT id FROM targets_surveyobject WHERE target_id = ANY(%s))
"""


class StoredHistory(models.Model):
    """The entries of an object's newest packets whose points are stored, as digests of 8 bytes.

    A digest that is missing costs time and nothing else. One that is here without its point would
    lose the point: so both are written in one transaction, and what takes points from a target
    forgets its histories.
    """

    object = models.OneToOneField(
        SurveyObject,
        on_delete=models.CASCADE,
        primary_key=True,
        db_column="id",
        related_name="history",
    )
    digests = models.BinaryField()

    def __str__(self) -> str:
        return f"history of {self.object_id}"


def find_stored(keys: Iterable[ObjectKey]) -> dict[ObjectKey, frozenset[bytes]]:
    """Return the digests of what is stored of these objects.

    The caller has called `hold_events`, so that no target is joined or split meanwhile.
    """
    wanted = set(keys)
    surveys, names = ({key[part] for key in wanted} for part in (0, 1))
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [list(surveys), list(names)])
        return {
            (survey, name): frozenset(_split(bytes(digests)))
            for survey, name, digests in cursor.fetchall()
        }


def keep_stored(alerts: Sequence[ObjectAlert], objects: Mapping[ObjectKey, int]) -> None:
    """Note the histories of these alerts as stored; `objects` are the keys of their objects' rows.

    They take the place of older ones: what packets no longer repeat is forgotten.
    """
    found: dict[int, set[bytes]] = defaultdict(set)
    for alert in alerts:
        if alert.history:
            found[objects[key_of(alert)]] |= alert.history
    if found:
        rows = sorted(found.items())
        with connection.cursor() as cursor:
            cursor.execute(
                _KEEP, [[pk for pk, _ in rows], [b"".join(sorted(each)) for _, each in rows]]
            )


def forget_stored(target_ids: Collection[int]) -> None:
    """Forget the histories of these targets' objects: their next packets are read whole."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [list(target_ids)])


def _split(digests: bytes) -> Iterable[bytes]:
    return (digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES))
