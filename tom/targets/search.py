"""Find targets by name and by place."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import ASin, Coalesce, Cos, Least, Lower, Power, Radians, Sin, Sqrt
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.kept_queries import Given, kept_query, numbered, pairs
from tom.sky.healpix import cone_ranges
from tom.targets.models import Audience, AudienceSummary, Program, TargetSummary
from tom.targets.objects import SurveyObject

# A shorter part of a name is in no index.
LEAST_PIECE = 3
# So many targets with a part in their names are read at once.
FEW = 2_000
ARCSEC_PER_RADIAN = 206264.80624709636
# The widest cone that a search takes: 10 degrees.
LARGEST_RADIUS_ARCSEC = 36_000.0


def find_by_name(
    targets: QuerySet[BaseTarget], name: str, programs: Collection[int] = ()
) -> QuerySet[BaseTarget]:
    """Keep targets with `name` inside their name or one of their aliases, whatever the case.

    And those whose object has that very id in its survey, where a reader of these private
    programs may know of it.
    """
    if len(name) >= LEAST_PIECE and not _is_common(name):
        few = _keys(*_named(name), _objects_named([name.lower()], programs))
        if len(few) <= FEW:
            return targets.filter(pk__in=few)
    objects = _keys(_objects_named([name.lower()], programs))
    aliased = TargetName.objects.filter(name__icontains=name).values("target")
    return targets.filter(Q(name__icontains=name) | Q(pk__in=aliased) | Q(pk__in=objects))


def find_few_by_part(part: str) -> list[int] | None:
    """The keys of all targets with a part in their name, an alias or their host's name.

    None: they are too many, or the part is too short for the index.
    """
    if len(part) < LEAST_PIECE or _is_common(part):
        return None
    hosts = _with_part(TargetSummary.objects.exclude(host_name=""), part, of="host_name")
    few = _keys(*_named(part), hosts.values("target")[: FEW + 1])
    return few if len(few) <= FEW else None


def _is_common(part: str) -> bool:
    """Whether more than `FEW` of the first targets have a part in their names.

    To ask it of these few is quick. The index of pieces is none where most names have them.
    """
    rows = BaseTarget.objects.filter(pk__lte=2 * FEW, name__icontains=part).order_by()
    return rows[: FEW + 1].count() > FEW


def _named(part: str) -> list[QuerySet[Any, Any]]:
    """The keys of targets with a part in their name or an alias, no more than are read at once."""
    names = _with_part(BaseTarget.objects.all(), part).values("pk")
    aliases = _with_part(TargetName.objects.all(), part).values("target")
    return [names[: FEW + 1], aliases[: FEW + 1]]


def _keys(*found: QuerySet[Any, Any]) -> list[int]:
    """The keys of targets that these queries of one column find.

    Asked now, each by its index: as parts of a search they cost one another their plans.
    """
    first, *others = found
    rows = first.union(*others, all=True) if others else first
    return [pk for row in rows for pk in row.values()]


def _with_part(rows: QuerySet[Any], part: str, *, of: str = "name") -> QuerySet[Any]:
    """Rows with this part in a name: an index has their pieces, of which not all fit."""
    pieces = _Pieces(Value(part, output_field=TextField()))
    named: QuerySet[Any] = rows.alias(pieces=_Pieces(of))
    return named.filter(**{f"{of}__icontains": part}, pieces__contains=pieces)


class _Pieces(Func):
    """Each three letters of a name that stand together, in upper case."""

    function = "targets_pieces"
    output_field = ArrayField(TextField())


def find_exactly(
    targets: QuerySet[BaseTarget], names: Sequence[str], programs: Collection[int] = ()
) -> QuerySet[BaseTarget]:
    """Keep targets whose name, or one of whose aliases, is one of `names`, whatever the case.

    Two surveys may use one name: then there are two.
    """
    lowered = [name.lower() for name in names]
    named = BaseTarget.objects.alias(lower=Lower("name")).filter(lower__in=lowered)
    aliases = TargetName.objects.alias(lower=Lower("name")).filter(lower__in=lowered)
    objects = _objects_named(lowered, programs)
    return targets.filter(pk__in=_keys(named.values("pk"), aliases.values("target"), objects))


def _objects_named(lowered: Sequence[str], programs: Collection[int]) -> QuerySet[Any, Any]:
    """The targets of objects with one of these ids that a reader may know of."""
    readable = Program.objects.filter(Q(public=True) | Q(pk__in=list(programs))).values("pk")
    rows = SurveyObject.objects.alias(lower=Lower("object_id")).filter(lower__in=lowered)
    return rows.filter(programs__overlap=ArraySubquery(readable)).values("target")


def find_in_cone(
    targets: QuerySet[BaseTarget],
    programs: Collection[int],
    *,
    ra: float,
    dec: float,
    radius_arcsec: float,
) -> QuerySet[BaseTarget]:
    """Keep targets in a cone, the nearest first, each with its `separation_arcsec`.

    Each stands where a reader of these private programs knows it to: another place, or a distance
    from it, would tell of others' points.

    Parameters
    ----------
    targets
        Targets with a `TargetSummary`, whose indexed HEALPix id finds them.
    ra, dec
        Centre, ICRS degrees.
    radius_arcsec
        Radius, from 0 to `LARGEST_RADIUS_ARCSEC`.

    Raises
    ------
    ValueError
        If the radius or the direction lies outside its range, or is not finite.
    """
    if not 0 <= radius_arcsec <= LARGEST_RADIUS_ARCSEC:
        message = f"the radius lies between 0 and {LARGEST_RADIUS_ARCSEC:.0f} arcsec"
        raise ValueError(message)
    found = near_keys(programs, ra=ra, dec=dec, radius_arcsec=radius_arcsec)
    place: tuple[Combinable, Combinable] = (F("ra"), F("dec"))
    if programs:
        own = AudienceSummary.objects.filter(programs__contained_by=list(programs))
        told = own.filter(target=OuterRef("pk")).order_by("-programs__len", "-programs")
        place = _place_of(told, "ra"), _place_of(told, "dec")
    # PostgreSQL raises where a product underflows: no difference of angles may be that small.
    separation = _separation(round(ra, 12), round(dec, 12), place)
    near = targets.filter(pk__in=found).annotate(separation_arcsec=separation)
    return near.filter(separation_arcsec__lte=radius_arcsec).order_by("separation_arcsec", "pk")


def near_keys(
    programs: Collection[int], *, ra: float, dec: float, radius_arcsec: float
) -> QuerySet[Any, Any]:
    """The keys of all targets in the cells of a cone, by a place that a reader of programs knows.

    Some of them lie outside of the cone, or are hidden.
    """
    return _in_cells(cone_ranges(ra=ra, dec=dec, radius_arcsec=radius_arcsec).tolist(), programs)


def read_near(
    programs: Collection[int], *, ra: float, dec: float, radius_arcsec: float
) -> set[int]:
    """As `near_keys`, read; of a small cone."""
    cells = cone_ranges(ra=ra, dec=dec, radius_arcsec=radius_arcsec).tolist()
    rows = _read_in_cells(tuple(programs), len(cells), **numbered("cell", cells))
    return {row["target"] for row in rows}


@kept_query
def _read_in_cells(programs: Audience, n: int, **cells: Given) -> QuerySet[Any, Any]:
    return _in_cells(pairs(cells, "cell", n), programs)


def _in_cells(cells: Iterable[Sequence[Any]], programs: Collection[int]) -> QuerySet[Any, Any]:
    inside = Q(pk__in=[])
    for start, stop in cells:
        inside |= Q(healpix29__gte=start, healpix29__lt=stop)
    found: QuerySet[Any, Any] = TargetSummary.objects.filter(inside).values("target")
    if not programs:
        return found
    own = AudienceSummary.objects.filter(inside, programs__contained_by=list(programs))
    return found.union(own.values("target"))


def _place_of(told: QuerySet[AudienceSummary], name: str) -> Coalesce:
    return Coalesce(Subquery(told.values(name)[:1]), F(name))


def _separation(ra: float, dec: float, place: tuple[Combinable, Combinable]) -> Combinable:
    """The haversine in SQL: exact to a microarcsecond within the cones allowed here."""
    to_ra, to_dec = place
    across = Power(Sin(Radians(to_ra - Value(ra)) / Value(2.0)), Value(2.0))
    along = Power(Sin(Radians(to_dec - Value(dec)) / Value(2.0)), Value(2.0))
    cosines = Cos(Radians(to_dec)) * Cos(Radians(Value(dec)))
    half = Least(Value(1.0), Sqrt(along + cosines * across))
    return ExpressionWrapper(Value(2 * ARCSEC_PER_RADIAN) * ASin(half), output_field=FloatField())
