"""A summary says what its points and alerts say: counted here by hand, point by point."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_program
from tests.targets.alerts import NIGHT, make_alert, make_point
from tom.records.alert import NearbyStar, ObjectAlert, SolarSystemMatch
from tom.targets.models import (
    AudienceSummary,
    LightCurvePoint,
    Program,
    TargetSummary,
)
from tom.targets.objects import SurveyObject
from tom.targets.sightings import note_sightings
from tom.targets.summary import (
    Surroundings,
    note_audience_surroundings,
    note_surroundings,
    refresh_audiences,
    refresh_summaries,
)

pytestmark = pytest.mark.django_db

FLUXES = [None, -900.0, 0.0, 50.0, 499.0, 500.0, 501.0, 5000.0, 36310.0]
COLUMNS = (
    *("n_detections", "n_limits", "first_seen", "first_detection", "last_detection"),
    *("peak_magnitude", "last_magnitude", "last_band", "version"),
)


def make_targets(number: int, **fields: object) -> list[BaseTarget]:
    """Targets with summaries that say nothing yet."""
    targets = BaseTarget.objects.bulk_create(
        BaseTarget(name=f"t{n}", type="SIDEREAL", ra=10.0, dec=20.0, permissions="PUBLIC")
        for n in range(number)
    )
    TargetSummary.objects.bulk_create(
        TargetSummary(target=target, healpix29=1, **fields) for target in targets
    )
    return list(targets)


@pytest.fixture
def programs() -> list[Program]:
    """One that everybody reads, and two that a group reads each."""
    return [make_program(), *(make_program(n, group=make_group()) for n in (2, 3))]


def make_curve(
    rng: random.Random, target: BaseTarget, programs: Sequence[Program]
) -> list[LightCurvePoint]:
    """Up to six points, some of one moment, some negative, faint or without a flux."""
    return [
        LightCurvePoint(
            target=target,
            survey=rng.choice(["ZTF", "LSST"]),
            kind=rng.choice(["alert", "alert", "forced", "limit"]),
            key=str(n),
            time=NIGHT + timedelta(days=rng.randint(-3, 3)),
            band=rng.choice("gri"),
            flux=rng.choice(FLUXES),
            flux_error=100.0,
            program=rng.choice(programs),
        )
        for n in range(rng.randint(0, 6))
    ]


def shone(point: LightCurvePoint) -> bool:
    if point.kind == "limit" or point.flux is None or point.flux <= 0:
        return False
    return point.kind == "alert" or point.flux >= 500.0  # 5 of its errors


def count(points: Sequence[LightCurvePoint], first_seen: datetime | None) -> tuple[object, ...]:
    """The figures of these points, for one who reads all of them."""
    seen = [point for point in points if shone(point)]
    alerts = [point for point in points if point.kind == "alert"]
    sights = [point.time for point in [*seen, *alerts]] + ([first_seen] if first_seen else [])
    newest = min(seen, key=lambda p: (-p.time.timestamp(), p.kind, p.survey, p.key), default=None)
    return (
        len(alerts),
        sum(point.kind == "limit" for point in points),
        min(sights, default=None),
        min((point.time for point in seen), default=None),
        max((point.time for point in seen), default=None),
        magnitude(max((point.flux for point in seen), default=None)),
        magnitude(newest.flux if newest else None),
        newest.band if newest else "",
        2,
    )


def magnitude(flux: float | None) -> object:
    return None if flux is None else pytest.approx(31.4 - 2.5 * math.log10(flux), abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_each_audience_has_the_figures_of_the_points_that_it_reads(seed, programs) -> None:
    rng = random.Random(seed)
    targets = make_targets(40)
    curves = {target.pk: make_curve(rng, target, programs) for target in targets}
    LightCurvePoint.objects.bulk_create(point for curve in curves.values() for point in curve)
    TargetSummary.objects.filter(pk__lte=targets[9].pk).update(first_seen=NIGHT - timedelta(days=1))
    views = [programs[1:2], programs[2:], programs[1:]]
    AudienceSummary.objects.bulk_create(
        AudienceSummary(target=target, programs=[row.pk for row in view], healpix29=1)
        for target in targets
        for view in views
    )

    refresh_summaries(target.pk for target in targets)
    refresh_audiences(AudienceSummary.objects.values_list("pk", flat=True))

    openly = {row[0]: row[1:] for row in TargetSummary.objects.values_list("pk", *COLUMNS)}
    rows = AudienceSummary.objects.values_list("target", "programs", *COLUMNS)
    privately = {(target_id, *view): figures for target_id, view, *figures in rows}
    for target in targets:
        before = NIGHT - timedelta(days=1) if target.pk <= targets[9].pk else None
        public = [point for point in curves[target.pk] if point.program == programs[0]]
        assert openly[target.pk] == count(public, before)
        for view in views:
            read = [p for p in curves[target.pk] if p.program in (programs[0], *view)]
            key = (target.pk, *(program.pk for program in view))
            assert tuple(privately[key]) == count(read, None)


def test_only_what_was_asked_for_is_computed_and_scored_anew() -> None:
    one, other = make_targets(2)
    views = AudienceSummary.objects.bulk_create(
        AudienceSummary(target=one, programs=[n], healpix29=1) for n in (1, 2)
    )

    refresh_summaries([one.pk])
    refresh_summaries([])
    refresh_audiences([views[0].pk])
    refresh_audiences([])

    versions = dict(TargetSummary.objects.values_list("pk", "version"))
    assert versions == {one.pk: 2, other.pk: 1}
    versions = dict(AudienceSummary.objects.values_list("pk", "version"))
    assert versions == {views[0].pk: 2, views[1].pk: 1}


# --- What alerts say of the surroundings ------------------------------------------------------
SAID = (
    *("surroundings_time", "surroundings_alert", "alert_values", "n_survey_detections"),
    *("star_separation_arcsec", "star_score", "solar_system_name"),
    "solar_system_separation_arcsec",
)


def make_alerts(rng: random.Random) -> list[ObjectAlert]:
    """Alerts of one object, some of one moment; what they say differs, and some say little."""
    return [
        replace(
            make_alert("ZTF26a", make_point(str(n), trigger=True)),
            alert_id=f"a{n}",
            time=NIGHT + timedelta(days=rng.randint(0, 2)),
            scores=rng.choice([{}, {"rb": n / 10}]),
            n_detections=rng.choice([None, n]),
            star=rng.choice([None, NearbyStar(n / 2, None), NearbyStar(n / 4, 0.25)]),
            solar_system=rng.choice([None, SolarSystemMatch(f"{n} " + "x" * 120, n / 3, 19.0)]),
        )
        for n in rng.sample(range(10), 4)
    ]


def said_by(alert: ObjectAlert) -> tuple[object, ...]:
    star, near = alert.star, alert.solar_system
    return (
        *(alert.time, alert.alert_id, dict(alert.scores), alert.n_detections),
        *((star.separation_arcsec, star.star_galaxy_score) if star else (None, None)),
        *((near.name[:100], near.separation_arcsec) if near else ("", None)),
    )


def by_age(alert: ObjectAlert) -> tuple[object, ...]:
    return alert.time, alert.alert_id


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_alert_is_told_whichever_came_first(seed, programs) -> None:
    rng = random.Random(seed)
    targets = make_targets(20)
    views = AudienceSummary.objects.bulk_create(
        AudienceSummary(target=target, programs=[programs[1].pk], healpix29=1) for target in targets
    )
    told = {target.pk: make_alerts(rng) for target in targets}
    starts = {pk: [rng.choice([None, NIGHT - timedelta(days=n)]) for n in range(4)] for pk in told}
    for n in range(4):
        note_surroundings([Surroundings(pk, starts[pk][n], told[pk][n]) for pk in told])
        note_audience_surroundings(
            [Surroundings(view.pk, None, told[view.target_id][n]) for view in views]
        )

    openly = {
        pk: said for pk, *said in TargetSummary.objects.values_list("pk", *SAID, "first_seen")
    }
    rows = AudienceSummary.objects.values_list("target", *SAID, "first_seen")
    privately = {target_id: said for target_id, *said in rows}
    for target in targets:
        newest = said_by(max(told[target.pk], key=by_age))
        first = min((each for each in starts[target.pk] if each), default=None)
        assert openly[target.pk] == [*newest, first]
        assert privately[target.pk] == [*newest, None]


# --- Where an object was first seen -----------------------------------------------------------
@pytest.mark.parametrize("seed", range(4))
def test_an_object_stands_where_its_earliest_alert_saw_it_a_public_one_first(
    seed, programs
) -> None:
    rng = random.Random(seed)
    (target,) = make_targets(1)
    rows = SurveyObject.objects.bulk_create(
        SurveyObject(survey="ZTF", object_id=f"o{n}", target=target) for n in range(20)
    )
    public = {programs[0].pk}
    told: dict[str, list[tuple[ObjectAlert, int]]] = {row.object_id: [] for row in rows}
    for n in range(4):
        objects = {row.key: row for row in SurveyObject.objects.all()}
        first, by = {}, {}
        for key in objects:
            place = {"ra": float(rng.randint(0, 300)), "dec": float(rng.randint(-80, 80))}
            alert = make_alert(key[1], make_point(f"{n}", days=rng.randint(0, 2)), **place)
            program = rng.choice(programs).pk
            first[key], by[key] = alert, {program}
            told[key[1]].append((alert, program))

        opened = note_sightings(objects, first, by, public=public)

        for name, alerts in told.items():
            *before, last = [program in public for _, program in alerts]
            assert (("ZTF", name) in opened) == (last and not any(before))

    for row in SurveyObject.objects.all():
        alerts = told[row.object_id]
        openly = [alert for alert, program in alerts if program in public]
        best = min(openly or [alert for alert, _ in alerts], key=by_age)
        stands = (row.ra, row.dec, row.position_time, row.position_alert)
        assert stands == (best.ra, best.dec, best.time, best.alert_id)
        assert row.programs == sorted({program for _, program in alerts})
