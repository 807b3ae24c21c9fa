"""Alerts become targets, points and TOM Toolkit's mirror; the same ones again change nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_user
from tests.targets.alerts import NIGHT, make_alert, make_limit, make_point
from tom.scoring.curves import curves_of
from tom.surveys.ztf.packets import parse_ztf
from tom.targets.copy import Table, copy_rows
from tom.targets.models import POINT_ORDER, LightCurvePoint, Program, TargetSummary
from tom.targets.store import store_alerts
from tom.targets.summary import Surroundings, note_surroundings
from tom.targets.visible import visible_targets

pytestmark = pytest.mark.django_db

# Of a summary, what does not tell how often it was written.
TOLD = (
    *("n_detections", "n_limits", "first_seen", "first_detection", "last_detection"),
    *("last_magnitude", "last_band", "peak_magnitude", "surroundings_time", "alert_values"),
)


def test_an_alert_makes_a_public_target_with_its_points_and_summary() -> None:
    alert = make_alert(
        "ZTF26a", make_point("2", trigger=True), make_point("1", days=-2), make_limit("L")
    )

    changes = store_alerts([alert])

    target = BaseTarget.objects.get(name="ZTF26a")
    summary = TargetSummary.objects.get(target=target)
    assert changes.changed == [target.pk]
    assert (target.permissions, target.ra, target.dec) == ("PUBLIC", 150.0, 2.0)
    assert (summary.n_detections, summary.n_limits, summary.version) == (2, 1, 1)
    assert summary.first_seen == NIGHT - timedelta(days=2)
    assert summary.last_magnitude == pytest.approx(19.0)
    assert summary.alert_values == {"rb": 0.9, "drb": 0.99}
    assert summary.star_separation_arcsec == 0.4
    assert summary.solar_system_name == "2010 AB"


def test_the_same_alerts_again_add_nothing_and_change_nothing() -> None:
    alerts = [make_alert("ZTF26a"), make_alert("ZTF26b", ra=10.0)]
    store_alerts(alerts)
    before = list(LightCurvePoint.objects.order_by("pk").values())

    changes = store_alerts(alerts)

    assert changes.changed == []
    assert list(LightCurvePoint.objects.order_by("pk").values()) == before
    assert set(TargetSummary.objects.values_list("version", flat=True)) == {1}
    assert PhotometryReducedDatum.objects.count() == 2


def test_an_alert_of_a_test_that_comes_as_a_real_one_changes_its_target() -> None:
    alert = make_alert("ZTF26a")
    store_alerts([alert], tests={("ZTF", "ZTF26a")})
    target = TargetSummary.objects.get(is_test=True)

    assert store_alerts([alert], tests={("ZTF", "ZTF26a")}).changed == []
    assert store_alerts([alert]).changed == [target.pk]
    assert store_alerts([alert]).changed == []
    assert TargetSummary.objects.get().version == target.version + 1


def test_the_triggers_copy_replaces_a_rounded_one_of_a_history_and_never_the_reverse() -> None:
    rounded = replace(make_point("1", magnitude=19.01), flux_error_njy=1.0)
    exact = make_point("1", magnitude=19.0, trigger=True)
    store_alerts([make_alert("ZTF26a", rounded)])

    store_alerts([make_alert("ZTF26a", exact)])
    store_alerts([make_alert("ZTF26a", rounded)])

    assert LightCurvePoint.objects.get().flux == pytest.approx(exact.flux_njy)
    mirrored = PhotometryReducedDatum.objects.get()
    assert mirrored.brightness == pytest.approx(19.0)


def test_a_faint_or_negative_detection_is_mirrored_as_its_limit() -> None:
    store_alerts(
        [
            make_alert(
                "ZTF26a",
                make_point("faint", snr=2.0, days=-1),
                make_point("negative", positive=False, snr=10.0, trigger=True),
            )
        ]
    )

    mirror = PhotometryReducedDatum.objects.order_by("timestamp")

    assert [row.brightness for row in mirror] == [None, None]
    assert mirror[0].limit == pytest.approx(19.0 - 2.5 * 0.39794, abs=1e-3)
    assert mirror[1].limit == pytest.approx(19.0 + 2.5 * 0.30103, abs=1e-3)
    assert LightCurvePoint.objects.get(key="negative").flux < 0


def test_a_late_older_alert_moves_the_first_sight_but_not_the_surroundings() -> None:
    store_alerts([make_alert("ZTF26a", make_point("2", trigger=True))])
    older = make_alert("ZTF26a", make_point("1", days=-5, trigger=True))

    store_alerts([replace(older, scores={"rb": 0.1})])

    summary = TargetSummary.objects.get()
    assert summary.first_seen == NIGHT - timedelta(days=5)
    assert summary.alert_values == {"rb": 0.9, "drb": 0.99}


def test_a_proprietary_alert_makes_a_private_target_of_its_group() -> None:
    group = Group.objects.create(name="partners")
    member = User.objects.create(username="member")
    member.groups.add(group)
    stranger = User.objects.create(username="stranger")
    Program.objects.create(survey="ZTF", number=2, name="partnership", group=group)

    store_alerts([make_alert("ZTF26p", make_point("1", program=2, trigger=True), program=2)])

    assert BaseTarget.objects.get().permissions == "PRIVATE"
    assert list(visible_targets(member).values_list("name", flat=True)) == ["ZTF26p"]
    assert not visible_targets(stranger).exists()
    assert not visible_targets(AnonymousUser()).exists()
    assert LightCurvePoint.objects.visible_to(member).count() == 1
    assert LightCurvePoint.objects.visible_to(stranger).count() == 0


def test_the_group_that_a_program_is_given_to_alone_sees_a_private_target() -> None:
    group, other = (Group.objects.create(name=name) for name in ("partners", "others"))
    member, stranger = (User.objects.create(username=name) for name in ("member", "stranger"))
    member.groups.add(group)
    stranger.groups.add(other)
    private = [make_point(str(n), days=n, program=2, trigger=True) for n in range(3)]
    store_alerts([make_alert("ZTF26p", private[0], program=2)])
    Program.objects.update(group=group)

    store_alerts([make_alert("ZTF26p", private[1], program=2)])
    Program.objects.update(group=other)
    store_alerts([make_alert("ZTF26p", private[2], program=2)])

    assert not visible_targets(member).exists()
    assert visible_targets(stranger).exists()


def test_private_points_of_a_public_target_stay_out_of_its_summary_and_mirror() -> None:
    private = make_point("p", magnitude=17.0, program=2)

    store_alerts([make_alert("ZTF26a", private, make_point("1", days=-1, trigger=True))])

    summary = TargetSummary.objects.get()
    assert summary.n_detections == 1
    assert summary.peak_magnitude == pytest.approx(19.0)
    assert PhotometryReducedDatum.objects.count() == 1


def test_opening_a_private_target_shows_what_a_public_one_shows() -> None:
    seen = make_point("1", days=2, magnitude=17.0, program=2, trigger=True)
    private = make_alert("ZTF26a", seen, program=2)
    public = make_alert("ZTF26a", make_point("2", days=1, trigger=True))
    public = replace(public, scores={"rb": 0.5}, star=None, solar_system=None)
    store_alerts([private])
    target = BaseTarget.objects.get()

    changes = store_alerts([public])

    target.refresh_from_db()
    opened = TargetSummary.objects.values().get()
    assert (changes.changed, target.permissions) == ([target.pk], "PUBLIC")
    target.delete()
    store_alerts([public])
    fresh = TargetSummary.objects.values().get()
    assert {name for name in fresh if opened[name] != fresh[name]} == {"target_id"}


def test_private_points_are_never_in_the_mirror() -> None:
    private = [make_point(str(n), days=n, magnitude=17.0, program=2) for n in range(2)]
    store_alerts([make_alert("ZTF26a", *private, program=2)])
    assert PhotometryReducedDatum.objects.count() == 0

    store_alerts([make_alert("ZTF26a", make_point("2", days=3, trigger=True))])

    assert PhotometryReducedDatum.objects.get().brightness == pytest.approx(19.0)
    assert LightCurvePoint.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_private_alert_stored_while_its_target_is_opened_shows_nothing() -> None:
    store_alerts([make_alert("ZTF26a", make_point("1", program=2), program=2)])
    public = make_alert("ZTF26a", make_point("2", days=1, trigger=True))
    private = make_alert("ZTF26a", make_point("3", days=2, program=2, trigger=True), program=2)

    with transaction.atomic():
        store_alerts([replace(public, scores={"rb": 0.5})])
        other = begin(lambda: store_alerts([private]))

    other.result(WAIT_SECONDS)
    summary = TargetSummary.objects.get()
    assert (summary.alert_values, summary.n_detections) == ({"rb": 0.5}, 1)


@pytest.mark.django_db(transaction=True)
def test_a_summary_counts_the_points_of_two_batches_at_once() -> None:
    store_alerts([make_alert("ZTF26a", make_point("1", trigger=True))])

    with transaction.atomic():
        store_alerts([make_alert("ZTF26a", make_point("2", days=1, trigger=True))])
        third = make_alert("ZTF26a", make_point("3", days=2, trigger=True))
        other = begin(lambda: store_alerts([third]))

    other.result(WAIT_SECONDS)
    assert TargetSummary.objects.get().n_detections == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_alerts_kept_at_once_the_newest_stays() -> None:
    store_alerts([make_alert("ZTF26a", make_point("1", trigger=True))])
    target_id = TargetSummary.objects.get().pk

    def note(days: float, value: float) -> None:
        alert = make_alert("ZTF26a", make_point("x", days=days, trigger=True))
        alert = replace(alert, scores={"rb": value})
        note_surroundings([Surroundings(target_id, alert.time, alert)])

    with transaction.atomic():
        note(2, 0.2)
        other = begin(lambda: note(1, 0.1))

    other.result(WAIT_SECONDS)
    summary = TargetSummary.objects.get()
    assert (summary.alert_values, summary.surroundings_time) == (
        {"rb": 0.2},
        NIGHT + timedelta(days=2),
    )


def test_a_fault_of_the_database_in_a_bulk_write_is_one_of_djangos() -> None:
    alert = replace(make_alert("ZTF26a"), n_detections=2**40)

    with pytest.raises(DataError), transaction.atomic():
        store_alerts([alert])
    with pytest.raises(DataError), transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, Table("numbers", {"number": "bigint"}), [["x"]])


@pytest.mark.parametrize("program", [1, 2])
def test_the_number_of_queries_does_not_grow_with_the_batch(program: int) -> None:
    group = Group.objects.create(name="partners")
    Program.objects.create(survey="ZTF", number=2, name="partnership", group=group)
    batch = [
        make_alert(name, make_point(name, program=program), ra=float(i), program=program)
        for i, name in enumerate(f"ZTF26b{i}" for i in range(52))
    ]
    store_alerts(batch[:1])
    with CaptureQueriesContext(connection) as few:
        store_alerts(batch[1:2])

    with CaptureQueriesContext(connection) as many:
        store_alerts(batch[2:])

    assert len(many) == len(few)


def test_what_two_packets_say_of_one_moment_is_stored_alike_in_any_order() -> None:
    first, second = (
        replace(
            make_alert(
                "ZTF26a",
                make_point("1", trigger=name == "5", magnitude=19 + shift),
                make_point(name, days=1, magnitude=18 + shift, band=band, trigger=True),
                make_point("0", days=-1, magnitude=20 + shift),
            ),
            alert_id=name,
            scores={"drb": shift},
        )
        for name, band, shift in (("5", "g", 0.1), ("6", "r", 0.2))
    )
    stored = set()
    for order in ([[first], [second]], [[second], [first]], [[first, second]], [[second, first]]):
        with transaction.atomic():
            for batch in order:
                store_alerts(batch)
            summary = TargetSummary.objects.values(*TOLD).get()
            points = LightCurvePoint.objects.order_by(*POINT_ORDER)
            curves = curves_of(TargetSummary.objects.all())
            stored.add(
                repr(
                    [
                        summary,
                        list(points.values_list("kind", "key", "flux", "flux_error", "is_trigger")),
                        [replace(curve, object_id="") for curve in curves.values()],
                    ]
                )
            )
            transaction.set_rollback(True)

    assert len(stored) == 1


def test_a_detection_in_the_histories_of_two_objects_belongs_to_each() -> None:
    shared = make_point("7", days=1, magnitude=18.5)
    a = make_alert("ZTF26a", replace(shared, is_trigger=True))
    b = make_alert("ZTF26b", shared, make_point("8", days=2, trigger=True), ra=150.0004)
    for order in ([[a], [b]], [[b], [a]], [[a, b]], [[b, a]]):
        with transaction.atomic():
            for batch in order:
                store_alerts(batch)
            counts = TargetSummary.objects.values_list("target__name", "n_detections")
            mirrored = PhotometryReducedDatum.objects.values_list("target__name", flat=True)

            assert dict(counts) == {"ZTF26a": 1, "ZTF26b": 2}
            assert sorted(mirrored) == ["ZTF26a", "ZTF26b", "ZTF26b"]
            assert LightCurvePoint.objects.filter(key="7").count() == 2
            transaction.set_rollback(True)


@pytest.mark.parametrize("first", ["public", "private"])
def test_a_shared_public_detection_is_public_on_the_public_object(first) -> None:
    shared = make_point("7", days=1)
    public = make_alert("ZTF26a", replace(shared, is_trigger=True))
    hidden = make_point("8", days=2, trigger=True, program=2)
    private = make_alert("ZTF26b", shared, hidden, ra=150.0004, program=2)
    for alert in (public, private) if first == "public" else (private, public):
        store_alerts([alert])

    seen = LightCurvePoint.objects.visible_to(AnonymousUser()).filter(key="7")
    assert set(seen.values_list("target__name", flat=True)) == {"ZTF26a", "ZTF26b"}
    assert TargetSummary.objects.get(target__name="ZTF26a").n_detections == 1
    assert set(visible_targets(make_user()).values_list("name", flat=True)) == {"ZTF26a"}


def test_each_object_of_real_packets_keeps_every_detection_its_packets_name(real_data) -> None:
    files = sorted((real_data / "ztf" / "ampel-ztf").glob("*.avro"))
    alerts = [parse_ztf(file.read_bytes()) for file in files]
    named: dict[str, set[str]] = {}
    for alert in alerts:
        keys = named.setdefault(alert.object_id, set())
        keys.update(point.key for point in alert.points if point.kind == "alert")

    store_alerts(alerts)

    kept = LightCurvePoint.objects.filter(kind="alert").values_list("target__name", "key")
    assert set(kept) == {(name, key) for name, keys in named.items() for key in keys}
    together = [key for keys in named.values() for key in keys]
    assert len(together) > len(set(together))  # some stand in two histories
