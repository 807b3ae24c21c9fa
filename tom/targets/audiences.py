"""The audiences of a target: which summaries are stored, and which of them a person reads.

An audience is the set of private programs that somebody reads in addition to the public ones. Of
each target only the audiences are kept that know different things of it: each of its private
programs alone, and each set of them that somebody may read. Nothing here says who is in a group:
that is asked at each reading.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget

from tom.kept_queries import AnyOf, Given, kept_query
from tom.targets.models import (
    PUBLIC,
    Audience,
    AudienceSummary,
    LightCurvePoint,
    Program,
    TargetSummary,
    Visitor,
    private_programs,
)

# What belongs to the target, for every reader.
SHARED = ("survey", "is_test", "host_name", "host_distance_mpc", "host_distance_error_mpc")


def readable_programs(user: Visitor) -> list[int]:
    """Return the keys of the private programs that a person may read: all for a superuser."""
    everything = getattr(user, "is_superuser", False)
    return [row.pk for row in private_programs(user) if everything or row.of_user]  # type: ignore[attr-defined]  # annotated


def private_programs_of(user: Visitor) -> QuerySet[Program]:
    """The private programs that a person may read: all for a superuser."""
    rows = Program.objects.filter(public=False).order_by("pk")
    if getattr(user, "is_superuser", False):
        return rows
    groups = getattr(user, "groups", None)
    return rows.none() if groups is None else rows.filter(group__in=groups.all())


def largest(audiences: Iterable[Audience]) -> Audience:
    """Return the audience that knows most; of two equal ones, always the same."""
    return max(audiences, key=lambda audience: (len(audience), audience), default=PUBLIC)


def summaries_for(
    programs: Collection[int], target_ids: Collection[int]
) -> dict[int, AudienceSummary]:
    """Return the richest summary that a reader of these programs may see, by target.

    A target without one is shown by its public summary.
    """
    if not programs or not target_ids:
        return {}
    found: dict[int, AudienceSummary] = {}
    for row in _summaries_for(tuple(programs), targets=list(target_ids)):
        held = found.get(row.target_id)
        if held is None or largest([held.audience, row.audience]) == row.audience:
            found[row.target_id] = row
    return found


@kept_query
def _summaries_for(programs: Audience, *, targets: Given) -> QuerySet[AudienceSummary]:
    rows = AudienceSummary.objects.filter(programs__contained_by=list(programs))
    return rows.filter(AnyOf("target", targets))


def show_targets(targets: Iterable[BaseTarget], programs: Collection[int]) -> None:
    """Set on targets, read with their summaries, the figures and the place that a reader knows.

    In memory alone: never save such a target.
    """
    rows = [target for target in targets if hasattr(target, "summary")]
    known = summaries_for(programs, [target.pk for target in rows])
    for target in rows:
        row = known.get(target.pk)
        if row is not None:
            for name in SHARED:
                setattr(row, name, getattr(target.summary, name))
            target.ra, target.dec = row.ra, row.dec
            # Past the descriptor, which takes but a `TargetSummary`.
            target._state.fields_cache["summary"] = row


def ensure_audiences(target_ids: Collection[int]) -> list[AudienceSummary]:
    """Make the missing summaries of these targets; return all that they have.

    The caller holds the locks of the targets' own summaries.
    """
    kept = _kept(target_ids)
    wanted = _wanted(_private_programs(target_ids))
    missing = sorted(wanted - {(row.target_id, row.audience) for row in kept})
    # First the single programs, from which the sets take what their alerts said.
    for size in sorted({len(audience) for _, audience in missing}):
        _add([item for item in missing if len(item[1]) == size])
    return _kept(target_ids) if missing else kept


def _kept(target_ids: Collection[int]) -> list[AudienceSummary]:
    rows = AudienceSummary.objects.filter(target__in=list(target_ids))
    return list(rows.only("target_id", "programs", "position_time", "position_alert"))


def _private_programs(target_ids: Collection[int]) -> Mapping[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    points = LightCurvePoint.objects.filter(target__in=list(target_ids), program__public=False)
    for target_id, program_id in points.values_list("target_id", "program_id").distinct():
        found[target_id].add(program_id)
    return found


def _wanted(programs: Mapping[int, set[int]]) -> set[tuple[int, Audience]]:
    if not programs:
        return set()
    readers = reader_sets()
    wanted: set[tuple[int, Audience]] = set()
    for pk, private in programs.items():
        wanted |= {(pk, (program,)) for program in private}
    wanted |= {
        (pk, tuple(sorted(private & theirs)))
        for pk, private in programs.items()
        for theirs in readers
        if private & theirs
    }
    return wanted


def reader_sets() -> set[frozenset[int]]:
    """The sets of private programs that somebody may read."""
    private = Program.objects.filter(public=False)
    theirs: dict[int, set[int]] = defaultdict(set)
    members = private.filter(group__user__is_active=True)
    for user_id, program_id in members.values_list("group__user", "pk"):
        theirs[user_id].add(program_id)
    sets = {frozenset(programs) for programs in theirs.values()}
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        sets.add(frozenset(private.values_list("pk", flat=True)))
    return sets


def _add(missing: Sequence[tuple[int, Audience]]) -> None:
    summaries = TargetSummary.objects.select_related("target").in_bulk({pk for pk, _ in missing})
    rows = [
        AudienceSummary(
            target_id=pk,
            programs=list(audience),
            ra=summaries[pk].target.ra,
            dec=summaries[pk].target.dec,
            healpix29=summaries[pk].healpix29,
            ebv=summaries[pk].ebv,
            ebv_error=summaries[pk].ebv_error,
            version=0,
        )
        for pk, audience in missing
        if pk in summaries
    ]
    # Nobody else makes one meanwhile: the caller holds the targets' locks.
    inherit([row.pk for row in AudienceSummary.objects.bulk_create(rows)])


SURROUNDINGS = (
    *("surroundings_time", "surroundings_alert", "alert_values", "n_survey_detections"),
    *("star_separation_arcsec", "star_score"),
    *("solar_system_name", "solar_system_separation_arcsec"),
)
PLACE = ("ra", "dec", "healpix29", "ebv", "ebv_error", "position_time", "position_alert")


def inherit(ids: Sequence[int]) -> None:
    """Copy to audiences what smaller ones know: the newest surroundings, the earliest place.

    Of a private target nothing is public: neither what stands in its own summary.
    """
    with connection.cursor() as cursor:
        for columns, order in (
            (SURROUNDINGS, "k.surroundings_time DESC, k.surroundings_alert DESC"),
            (PLACE, "k.position_time, k.position_alert"),
        ):
            cursor.execute(_inherit(columns, order), {"ids": list(ids)})
        cursor.execute(INHERIT_FIRST_SIGHT, {"ids": list(ids)})


def _inherit(columns: Sequence[str], order: str) -> str:
    moment = columns[0] if columns is SURROUNDINGS else "position_time"
    return f"""
        WITH known AS ({KNOWN})
        UPDATE targets_audiencesummary v
        SET {", ".join(f"{name} = k.{name}" for name in columns)}
        FROM (
            SELECT DISTINCT ON (v.id) v.id AS view_id, {", ".join(f"k.{n}" for n in columns)}
            FROM targets_audiencesummary v JOIN known k ON k.target_id = v.target_id
                AND k.programs <@ v.programs
            WHERE v.id = ANY(%(ids)s) AND k.{moment} IS NOT NULL
            ORDER BY v.id, {order}
        ) k
        WHERE v.id = k.view_id
    """  # noqa: S608  of our own text alone


_COLUMNS = ", ".join(f"s.{name}" for name in (*SURROUNDINGS, *PLACE[2:], "first_seen"))
KNOWN = f"""
    SELECT s.target_id, '{{}}'::bigint[] AS programs, t.ra, t.dec, {_COLUMNS}
    FROM targets_targetsummary s JOIN tom_targets_basetarget t ON t.id = s.target_id
    WHERE t.permissions <> 'PRIVATE' AND s.target_id IN (
        SELECT target_id FROM targets_audiencesummary WHERE id = ANY(%(ids)s))
    UNION ALL
    SELECT s.target_id, s.programs, s.ra, s.dec, {_COLUMNS}
    FROM targets_audiencesummary s WHERE s.target_id IN (
        SELECT target_id FROM targets_audiencesummary WHERE id = ANY(%(ids)s))
"""  # noqa: S608  of our own text alone
INHERIT_FIRST_SIGHT = f"""
    WITH known AS ({KNOWN})
    UPDATE targets_audiencesummary v SET first_seen = k.first_seen
    FROM (
        SELECT v.id AS view_id, min(k.first_seen) AS first_seen
        FROM targets_audiencesummary v JOIN known k ON k.target_id = v.target_id
            AND k.programs <@ v.programs
        WHERE v.id = ANY(%(ids)s) GROUP BY v.id
    ) k
    WHERE v.id = k.view_id
"""  # noqa: S608  of our own text alone
