"""Stamps are read from the packets of a target's alerts, and drawn when somebody looks at them."""

import gzip
import io
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from django.contrib.auth.models import User
from PIL import Image
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_observer, make_program, make_user
from tests.peers.site import free_port
from tests.streams.packets import JD, make_ztf_packet
from tom import intake
from tom.demo.cutouts import to_fits
from tom.streams import packets
from tom.streams.claims import replay_messages
from tom.streams.models import AlertMessage
from tom.streams.retention import let_go
from tom.streams.services import Incoming, store_messages
from tom.targets import cutouts
from tom.targets.cutouts import pictures_of, times_of_pictures
from tom.targets.kept_stamps import keep_stamps, newest_brought_by
from tom.targets.models import Arrival, Cutout, CutoutKind
from tom.targets.visible import reader_of

pytestmark = pytest.mark.django_db
GOOD = to_fits(np.arange(63.0 * 63).reshape(63, 63), step=1.0)
OTHER = to_fits(np.arange(63.0 * 63)[::-1].reshape(63, 63), step=1.0)
BAD = b"\x1f\x8bnothing"


@pytest.fixture(autouse=True)
def store_of_packets(tmp_path: Path, settings) -> Path:
    """A store of the test's own, and no picture drawn before."""
    settings.PACKET_STORE = str(tmp_path / "packets")
    cutouts._draw_packet.cache_clear()
    return tmp_path / "packets"


@pytest.fixture
def reader() -> User:
    return make_user()


def bring(
    *, days: float = 0.0, science: bytes = GOOD, program: int = 1, **candidate: object
) -> BaseTarget:
    """Have an alert come, with one stamp; return its target."""
    number = round(days * 10) + program
    top = {
        "cutoutScience": {"fileName": "s.fits.gz", "stampData": science},
        "cutoutTemplate": None,
        "cutoutDifference": None,
    }
    packet = make_ztf_packet(
        jd=JD + days, candid=number, pid=number, programid=program, top=top, **candidate
    )
    (pk,) = store_messages([Incoming("ztf", packet)]).all_ids
    assert intake.work_alerts()
    return AlertMessage.objects.get(pk=pk).arrivals.get().object.target


def png(target: BaseTarget, user: User) -> bytes | None:
    drawn = pictures_of(target, user).drawn.get("science")
    return drawn.picture.png if drawn and drawn.picture else None


def test_the_page_shows_the_picture_or_the_reason_why_there_is_none(client, reader) -> None:
    client.force_login(reader)
    target = bring()

    part = client.get(f"/targets/{target.pk}/?part=cutouts").text
    page = client.get(f"/targets/{target.pk}/").text
    bring(days=1, science=BAD)
    unreadable = client.get(f"/targets/{target.pk}/?part=cutouts").text

    assert f"/targets/{target.pk}/?part=cutouts" in page
    assert "North is up, east is left; the bar is 15 arcseconds long" in part
    assert f"/targets/{target.pk}/cutouts/science.png" in part
    assert "No picture: it is not a gzip stream." in unreadable
    assert client.get(f"/targets/{target.pk}/cutouts/science.png").status_code == 404


def test_the_picture_itself_comes_from_the_packet_and_the_database_keeps_none(
    client, reader
) -> None:
    client.force_login(reader)
    target = bring()

    answer = client.get(f"/targets/{target.pk}/cutouts/science.png")

    assert answer.content.startswith(b"\x89PNG")
    assert client.get(f"/targets/{target.pk}/cutouts/template.png").status_code == 404
    assert not Cutout.objects.exists()


def test_the_newest_alert_with_stamps_is_shown_whichever_came_first(reader) -> None:
    target = bring(days=1, science=OTHER)
    newest = png(target, reader)

    bring(days=0, science=GOOD)

    assert png(target, reader) == newest
    bring(days=2, science=GOOD)
    assert png(target, reader) not in (newest, None)


def test_a_stamp_that_the_detector_cut_is_drawn_around_its_source(reader) -> None:
    rows, columns = np.indices((48, 63))
    out = io.BytesIO()
    star = 1000.0 * np.exp(-((rows - 16) ** 2 + (columns - 31) ** 2) / 8)
    fits.PrimaryHDU(star.astype(np.float32)).writeto(out)

    target = bring(science=gzip.compress(out.getvalue()), xpos=1500.0, ypos=16.0)

    picture = np.asarray(Image.open(io.BytesIO(png(target, reader) or b"")))
    middle = np.argwhere(picture[:, :, 0] == 255).mean(axis=0)
    assert picture.shape == (63, 63, 2)
    assert middle.tolist() == pytest.approx([31, 31], abs=1)


def test_a_private_stamp_is_shown_to_the_readers_of_its_program_alone(client, reader) -> None:
    group = make_group()
    make_program(2, group=group)
    member = make_observer("member", groups=[group])
    target = bring(science=GOOD)
    openly = png(target, reader)

    bring(days=1, program=2, science=OTHER)

    assert png(target, reader) == openly
    assert png(target, member) not in (openly, None)
    times = [times_of_pictures([target.pk], CutoutKind.SCIENCE, who) for who in (reader, member)]
    assert times[1][target.pk] - times[0][target.pk] == timedelta(days=1)


def test_what_was_let_go_is_said_and_older_kept_stamps_are_shown(client, reader) -> None:
    client.force_login(reader)
    target = bring()
    messages = AlertMessage.objects.all()
    keep_stamps([pk for pk, _ in newest_brought_by(messages)])
    before = png(target, reader)
    bring(days=1, science=OTHER)

    let_go(messages)

    shown = pictures_of(target, reader)
    assert (png(target, reader), shown.missing) == (before, cutouts.LET_GO)
    assert "were let go" in client.get(f"/targets/{target.pk}/?part=cutouts").text
    Cutout.objects.all().delete()
    assert pictures_of(target, reader).drawn == {}
    assert times_of_pictures([target.pk], CutoutKind.SCIENCE, reader) == {}
    assert "were let go" in client.get(f"/targets/{target.pk}/?part=cutouts").text


def test_kept_stamps_of_the_newest_alert_show_without_the_store(
    reader, store_of_packets: Path
) -> None:
    target = bring()
    keep_stamps([pk for pk, _ in newest_brought_by(AlertMessage.objects.all())])
    shutil.rmtree(store_of_packets)

    shown = pictures_of(target, reader)

    assert shown.drawn["science"].picture is not None
    assert shown.missing == ""


def test_a_store_that_lost_a_packet_is_told_and_no_error(
    client, reader, store_of_packets: Path
) -> None:
    client.force_login(reader)
    target = bring()
    shutil.rmtree(store_of_packets)
    store_of_packets.mkdir()

    part = client.get(f"/targets/{target.pk}/?part=cutouts")

    assert part.status_code == 200
    assert cutouts.LOST in part.text
    assert client.get(f"/targets/{target.pk}/cutouts/science.png").status_code == 404


def test_a_store_that_does_not_answer_is_told_within_its_time(
    client, reader, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setattr(cutouts, "SECONDS_LOOKED_AT", 1)
    client.force_login(reader)
    target = bring()
    settings.PACKET_STORE = "s3://nobody/is/there"

    part = client.get(f"/targets/{target.pk}/?part=cutouts")

    assert part.status_code == 200
    assert cutouts.NO_ANSWER in part.text
    packets._open.cache_clear()


def test_a_replay_of_an_old_message_finds_its_stamps(reader) -> None:
    target = bring()
    Arrival.objects.update(has_stamps=False)  # as before alerts were asked for it
    assert png(target, reader) is None

    replay_messages(AlertMessage.objects.values_list("pk", flat=True))
    assert intake.work_alerts()

    assert png(target, reader) is not None


def test_a_picture_is_drawn_once_in_a_process(reader, django_assert_num_queries) -> None:
    target = bring()
    first = png(target, reader)
    before = cutouts._draw_packet.cache_info().hits

    assert png(target, reader) == first
    assert cutouts._draw_packet.cache_info().hits == before + 1
    assert cutouts._draw_packet.cache_info().maxsize == cutouts.ALERTS_DRAWN


def test_the_list_asks_as_many_queries_for_many_targets_as_for_one(
    reader, django_assert_num_queries
) -> None:
    ids = [bring(days=n, object_id=f"ZTF26a{n}", ra=10.0 * n).pk for n in range(1, 5)]
    reader_of(reader)  # what a person may read is asked once a page

    for some in (ids[:1], ids):
        with django_assert_num_queries(1):
            assert len(times_of_pictures(some, CutoutKind.SCIENCE, reader)) == len(some)
