"""Old packets are let go; the stamps of targets that people work on are kept before."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetList

from tests.factories import make_candidate, make_event, make_observer, make_user
from tests.followup.conftest import make_request
from tests.streams.packets import JD, make_ztf_packet
from tom import intake
from tom.demo.cutouts import to_fits
from tom.letting_go import let_packets_go, worked_on
from tom.reports.notifications.models import Follow
from tom.streams.models import AlertMessage
from tom.streams.packets import PacketStoreError
from tom.streams.services import Incoming, store_messages
from tom.targets.models import Cutout
from tom.web.comments import add_comment

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def stamp(value: float) -> bytes:
    return to_fits(np.full((9, 9), value), step=1.0)


def bring(name: str, *, day: int, ago: int) -> BaseTarget:
    """Have an alert come that was stored so many days ago; return its target."""
    cutout = {"fileName": "s.fits.gz", "stampData": stamp(day)}
    packet = make_ztf_packet(
        object_id=name,
        jd=JD + day,
        candid=day,
        pid=day,
        ra=10.0 + sum(name.encode()) % 100,
        top={"cutoutScience": cutout, "cutoutTemplate": cutout, "cutoutDifference": None},
    )
    (pk,) = store_messages([Incoming("ztf", packet)]).all_ids
    assert intake.work_alerts()
    AlertMessage.objects.filter(pk=pk).update(finished=NOW - timedelta(days=ago))
    return AlertMessage.objects.get(pk=pk).arrivals.get().object.target


def test_only_what_people_work_on_keeps_its_newest_stamps(settings) -> None:
    settings.PACKET_DAYS = 30
    wanted, other = bring("ZTF26a", day=1, ago=50), bring("ZTF26b", day=2, ago=50)
    bring("ZTF26a", day=3, ago=40)
    make_candidate(make_event("S261120ab"), wanted)

    let_packets_go(NOW)

    assert not any(row.has_bytes for row in AlertMessage.objects.filter(kind="ztf.avro"))
    rows = Cutout.objects.filter(target=wanted).order_by("kind")
    assert [(row.kind, bytes(row.fits)) for row in rows] == [
        ("science", stamp(3)),
        ("template", stamp(3)),
    ]
    assert not Cutout.objects.filter(target=other).exists()


def test_an_older_stamp_is_not_kept_while_the_packet_of_a_newer_one_is_there(settings) -> None:
    settings.PACKET_DAYS = 30
    wanted = bring("ZTF26a", day=1, ago=50)
    bring("ZTF26a", day=2, ago=10)
    make_candidate(make_event("S261120ab"), wanted)

    let_packets_go(NOW)

    assert not Cutout.objects.exists()
    assert [row.has_bytes for row in AlertMessage.objects.filter(topic="ztf").order_by("pk")] == [
        False,
        True,
    ]


def follow(target: BaseTarget) -> None:
    Follow.objects.create(user=make_user(), kind="target", value=str(target.pk))


def put_in_list(target: BaseTarget) -> None:
    TargetList.objects.create(name="mine").targets.add(target)


@pytest.mark.parametrize(
    "work",
    [
        lambda target: make_candidate(make_event("S261120ab"), target),
        lambda target: make_request(target, make_observer()),
        lambda target: add_comment(target, "odd", by=make_user()),
        follow,
        put_in_list,
    ],
)
def test_whatever_people_do_with_a_target_counts(work: Callable[[BaseTarget], object]) -> None:
    target, other = bring("ZTF26a", day=1, ago=1), bring("ZTF26b", day=2, ago=1)
    assert worked_on([target.pk, other.pk]) == set()

    work(target)

    assert worked_on([target.pk, other.pk]) == {target.pk}


def test_nothing_is_let_go_while_stamps_to_keep_cannot_be_read(settings, tmp_path: Path) -> None:
    settings.PACKET_DAYS = 30
    settings.PACKET_STORE = str(tmp_path / "packets")
    wanted = bring("ZTF26a", day=1, ago=50)
    make_candidate(make_event("S261120ab"), wanted)
    settings.PACKET_STORE = "nothing://is.there"

    with pytest.raises(PacketStoreError):
        let_packets_go(NOW)

    assert AlertMessage.objects.get(topic="ztf").has_bytes
