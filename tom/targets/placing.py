"""Find a target for each object that no alert spoke of before: one there already, or a new one."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.sky import separation_arcsec
from tom.sky.healpix import ORDER
from tom.targets.copy import Table, copy_rows
from tom.targets.names import choose_names
from tom.targets.newcomers import Home, Newcomer, cells_of
from tom.targets.objects import BY_HAND, ObjectKey, SurveyObject
from tom.targets.places import PLACE, place_rows

# How near an object must be to a target that a person named as its survey names it.
NAMED_ARCSEC = 30.0
NEW_TARGETS = Table(
    "new_targets",
    {
        "name": "text",
        "permissions": "text",
        "survey": "text",
        "is_test": "bool",
        **PLACE,
    },
)


def place_newcomers(
    newcomers: Sequence[Newcomer],
) -> tuple[dict[ObjectKey, SurveyObject], set[int]]:
    """Give each object its target, in a number of queries that does not depend on theirs.

    Return them, and the targets that have now another object besides the one that named them. The
    caller has called `lock_newcomers`.
    """
    ordered = sorted(newcomers, key=lambda newcomer: newcomer.order)
    homes = _choose(ordered)
    _make_targets([home for home in dict.fromkeys(homes) if home.founder is not None])
    rows = [
        SurveyObject(
            survey=newcomer.alert.survey,
            object_id=newcomer.alert.object_id,
            target_id=home.target_id,
            programs=sorted(newcomer.programs),
            ra=newcomer.alert.ra,
            dec=newcomer.alert.dec,
            position_time=newcomer.alert.time,
            position_alert=newcomer.alert.alert_id,
        )
        for newcomer, home in zip(ordered, homes, strict=True)
    ]
    joined = {
        home.target_id
        for newcomer, home in zip(ordered, homes, strict=True)
        if home.founder is not newcomer
    }
    return {row.key: row for row in SurveyObject.objects.bulk_create(rows)}, joined


def _choose(newcomers: Sequence[Newcomer]) -> list[Home]:
    """The nearest home that admits each, else one of its own; in their order."""
    cells, level = cells_of([newcomer.alert for newcomer in newcomers])
    near = _find_near(cells, level)
    others = {name for newcomer in newcomers for name in newcomer.alert.other_names}
    named = _find_named({newcomer.alert.object_id for newcomer in newcomers} | others)
    _add_told(named, others)
    known = _read_homes({pk for found in (near, named) for ids in found.values() for pk in ids})
    _read_groups([home for home in known.values() if not home.is_public])
    made: dict[int, list[Home]] = defaultdict(list)
    chosen: list[Home] = []
    for newcomer, around in zip(newcomers, cells.tolist(), strict=True):
        by_name = _nearest(
            newcomer,
            [known[pk] for pk in _of_names(named, newcomer) if pk in known],
            by_name=True,
        )
        there = [known[pk] for cell in around for pk in near.get(cell, ()) if pk in known]
        just_made = [home for cell in around for home in made.get(cell, ())]
        home = by_name or _nearest(newcomer, [*there, *just_made])
        if home is None:
            home = _found(newcomer)
            made[around[0]].append(home)
        home.surveys.add(newcomer.alert.survey)
        chosen.append(home)
    return chosen


def _of_names(named: Mapping[str, Sequence[int]], newcomer: Newcomer) -> list[int]:
    """The targets that have a name of the object, its own or what others call it."""
    names = (newcomer.alert.object_id, *newcomer.alert.other_names)
    return list(dict.fromkeys(pk for name in names for pk in named.get(name, ())))


def _nearest(newcomer: Newcomer, homes: Iterable[Home], *, by_name: bool = False) -> Home | None:
    admitting = [home for home in homes if home.admits(newcomer)]
    if not admitting:
        return None
    alert = newcomer.alert
    ra, dec = [home.ra for home in admitting], [home.dec for home in admitting]
    apart = separation_arcsec(alert.ra, alert.dec, ra, dec).tolist()
    reached = [
        (separation, home.target_id or math.inf, index)
        for index, (separation, home) in enumerate(zip(apart, admitting, strict=True))
        if (separation <= NAMED_ARCSEC if by_name else home.reaches(newcomer, separation))
    ]
    # Of two as near as each other the older one.
    return admitting[min(reached)[-1]] if reached else None


def _found(newcomer: Newcomer) -> Home:
    return Home(
        ra=newcomer.alert.ra,
        dec=newcomer.alert.dec,
        is_public=newcomer.is_public,
        is_test=newcomer.is_test,
        surveys=set(),
        groups=newcomer.groups,
        founder=newcomer,
    )


def _find_near(cells: Any, level: int) -> dict[int, list[int]]:
    """The targets in these pixels, by pixel, ascending.

    Each pixel is looked up by itself: joined, a million targets are compared with every pixel.
    """
    shift = 2 * (ORDER - level)
    wanted = np.unique(cells[cells >= 0])
    found: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.cell, s.target_id
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS c (cell, first, stop)
            CROSS JOIN LATERAL (
                SELECT target_id FROM targets_targetsummary
                WHERE healpix29 >= c.first AND healpix29 < c.stop
                OFFSET 0
            ) s
            ORDER BY s.target_id
            """,
            [wanted.tolist(), (wanted << shift).tolist(), ((wanted + 1) << shift).tolist()],
        )
        for cell, target_id in cursor.fetchall():
            found[cell].append(target_id)
    return found


def _find_named(names: Collection[str]) -> dict[str, list[int]]:
    """The targets that people gave these names; a name that a survey gave says nothing here."""
    rows = BaseTarget.objects.filter(name__in=names).values_list("name", "pk")
    aliases = TargetName.objects.filter(name__in=names).values_list("name", "target_id")
    pairs = {*rows, *aliases}
    if not pairs:
        return {}
    objects = SurveyObject.objects.filter(target__in=[pk for _, pk in pairs])
    told = {
        (name, row.target_id) for row in objects if row.survey != BY_HAND for name in row.spellings
    }
    found: dict[str, list[int]] = defaultdict(list)
    for name, target_id in sorted(pairs - told):
        found[name].append(target_id)
    return found


def _add_told(found: dict[str, list[int]], names: Collection[str]) -> None:
    """Add the targets whose objects have these ids in any survey."""
    rows = SurveyObject.objects.filter(object_id__in=names).exclude(survey=BY_HAND)
    for name, pk in rows.values_list("object_id", "target_id") if names else ():
        found.setdefault(name, []).append(pk)


def _read_homes(target_ids: Collection[int]) -> dict[int, Home]:
    if not target_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.id, t.ra, t.dec, t.permissions <> 'PRIVATE', s.is_test, s.survey, ARRAY(
                SELECT o.survey FROM targets_surveyobject o WHERE o.target_id = t.id)
            FROM tom_targets_basetarget t JOIN targets_targetsummary s ON s.target_id = t.id
            WHERE t.id = ANY(%s) AND t.ra IS NOT NULL AND t.dec IS NOT NULL
            """,
            [sorted(target_ids)],
        )
        return {
            pk: Home(
                target_id=pk,
                ra=ra,
                dec=dec,
                is_public=is_public,
                is_test=is_test,
                surveys={survey, *surveys} - {""},
            )
            for pk, ra, dec, is_public, is_test, survey, surveys in cursor.fetchall()
        }


def _read_groups(private: Sequence[Home]) -> None:
    """Tell private targets who sees them."""
    if not private:
        return
    homes = {str(home.target_id): home for home in private}
    view = {"permission__codename": "view_target", "object_pk__in": list(homes)}
    groups: dict[str, set[int]] = defaultdict(set)
    rows = GroupObjectPermission.objects.filter(**view)
    for key, group_id in rows.values_list("object_pk", "group_id"):
        groups[key].add(group_id)
    people = set(UserObjectPermission.objects.filter(**view).values_list("object_pk", flat=True))
    for key, home in homes.items():
        home.groups = None if key in people else frozenset(groups[key])


def _make_targets(homes: Sequence[Home]) -> None:
    founders = [home.founder for home in homes if home.founder is not None]
    if not founders:
        return
    names = choose_names(founders)
    places = place_rows([newcomer.alert for newcomer in founders])
    rows = [
        (
            name,
            "PUBLIC" if newcomer.is_public else "PRIVATE",
            newcomer.alert.survey,
            newcomer.is_test,
            *place,
        )
        for name, newcomer, place in zip(names, founders, places, strict=True)
    ]
    with connection.cursor() as cursor:
        copy_rows(cursor, NEW_TARGETS, rows)
        cursor.execute(MAKE_TARGETS)
        cursor.execute(MAKE_SUMMARIES)
        cursor.execute(MADE)
        keys = dict(cursor.fetchall())
    for name, home in zip(names, homes, strict=True):
        home.target_id = keys[name]


MAKE_TARGETS = """
    INSERT INTO tom_targets_basetarget (name, type, created, modified, permissions, ra, dec,
        epoch, galactic_lng, galactic_lat, scheme, shared_by, shared_from)
    SELECT name, 'SIDEREAL', now(), now(), permissions, ra, dec, 2000, galactic_lng,
        galactic_lat, '', '', '' FROM new_targets ORDER BY name
"""
MADE = "SELECT name, t.id FROM new_targets JOIN tom_targets_basetarget t USING (name)"
MAKE_SUMMARIES = """
    INSERT INTO targets_targetsummary (target_id, healpix29, survey, is_test, ebv,
        ebv_error, position_time, position_alert, n_detections, n_limits, last_band,
        alert_values, solar_system_name, host_name, version, scored_version)
    SELECT t.id, n.healpix29, n.survey, n.is_test, n.ebv, n.ebv_error, n.position_time,
        n.position_alert, 0, 0, '', '{}', '', '', 0, 0
    FROM new_targets n JOIN tom_targets_basetarget t ON t.name = n.name ORDER BY t.id
"""
