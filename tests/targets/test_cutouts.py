"""Cutouts are drawn once, by a worker: each ends with a picture or with a reason."""

import gzip
import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from tests.factories import make_user
from tests.targets.alerts import NIGHT, make_alert
from tom.demo.cutouts import to_fits
from tom.targets.cutouts import draw_due
from tom.targets.models import Cutout
from tom.targets.store import store_alerts

GOOD = to_fits(np.arange(63.0 * 63).reshape(63, 63), step=1.0)
BAD = b"\x1f\x8bnothing"


def store(name: str, **cutouts: bytes) -> None:
    store_alerts([replace(make_alert(name), cutouts=cutouts)])


@pytest.mark.django_db
def test_each_cutout_gets_its_picture_or_the_reason_why_it_has_none() -> None:
    store("ZTF26a", science=GOOD, template=BAD)

    assert draw_due(most=10) == 2

    science, template = Cutout.objects.order_by("kind")
    assert bytes(science.png).startswith(b"\x89PNG")
    assert (round(science.width_arcsec, 2), science.fault) == (63.63, "")
    assert (template.png, template.fault) == (None, "it is not a gzip stream")
    assert draw_due(most=10) == 0


@pytest.mark.django_db
def test_a_stamp_that_the_detector_cut_is_drawn_around_its_source() -> None:
    rows, columns = np.indices((48, 63))
    out = io.BytesIO()
    star = 1000.0 * np.exp(-((rows - 16) ** 2 + (columns - 31) ** 2) / 8)
    fits.PrimaryHDU(star.astype(np.float32)).writeto(out)
    cut = gzip.compress(out.getvalue())
    alert = make_alert("ZTF26a")
    store_alerts([replace(alert, cutouts={"science": cut}, cutout_middle=(31.0, 16.0))])

    draw_due(most=10)

    picture = np.asarray(Image.open(io.BytesIO(bytes(Cutout.objects.get().png))))
    middle = np.argwhere(picture[:, :, 0] == 255).mean(axis=0)
    assert picture.shape == (63, 63, 2)
    assert middle.tolist() == [31, 31]


@pytest.mark.django_db
def test_a_newer_stamp_is_drawn_anew() -> None:
    store("ZTF26a", science=BAD)
    draw_due(most=10)
    later = make_alert("ZTF26a")
    store_alerts([replace(later, time=NIGHT + timedelta(days=1), cutouts={"science": GOOD})])

    assert draw_due(most=10) == 1
    assert Cutout.objects.get().fault == ""
    assert Cutout.objects.get().png is not None


@pytest.mark.django_db
def test_no_more_are_drawn_at_a_time_than_asked_for() -> None:
    for name in ("ZTF26a", "ZTF26b", "ZTF26c"):
        store(name, science=GOOD)

    assert [draw_due(most=2), draw_due(most=2), draw_due(most=2)] == [2, 1, 0]


@pytest.mark.django_db
def test_the_page_shows_the_picture_the_reason_or_that_it_is_being_drawn(client) -> None:
    store("ZTF26a", science=GOOD, template=BAD)
    client.force_login(make_user())
    target = Cutout.objects.first().target_id
    before = client.get(f"/targets/{target}/?part=cutouts").text
    picture = f"/targets/{target}/cutouts/science.png"
    assert client.get(picture).status_code == 404

    draw_due(most=10)

    after = client.get(f"/targets/{target}/").text
    assert before.count("being drawn") == 2
    assert "every 2s" in before
    assert "being drawn" not in after
    assert "No picture: it is not a gzip stream." in after
    assert "North is up, east is left; the bar is 15 arcseconds long" in after
    assert client.get(picture).content.startswith(b"\x89PNG")
    assert client.get(f"/targets/{target}/cutouts/template.png").status_code == 404
