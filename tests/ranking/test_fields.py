"""Points of one fixed field are found by the numbers of their images, and those of two are not."""

import io
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from django.db import connection

from tom.formats.errors import MalformedAlertError
from tom.ranking import visits
from tom.ranking.fields import PARTS, fields_of
from tom.ranking.visits import image_of_key
from tom.surveys.ztf.packets import parse_ztf

Point = tuple[int, int, int]


def fields(*points: Point, public: tuple[bool, ...] = (True, True, True)) -> list[int]:
    """The field of each point: its entry, exposure (0: not known) and part of the camera."""
    row, exposure, part = np.array(points).T
    image = np.where(exposure > 0, exposure * 100.0 + part, np.nan)
    found: list[int] = fields_of(row, image, np.array(public)).tolist()
    return found


def test_exposures_that_see_a_source_on_one_part_are_of_one_field_which_all_in_them_share() -> None:
    assert fields((0, 7, 3), (0, 9, 3), (1, 9, 60), (2, 7, 12)) == [7, 7, 7, 7]


def test_exposures_that_see_a_source_on_two_parts_are_of_two_fields() -> None:
    assert fields((0, 7, 3), (0, 9, 44), (1, 7, 5), (1, 9, 5), public=(True, False, True)) == [
        *(7, 9),
        *(7, 9),
    ]


def test_a_point_without_an_image_and_one_of_an_exposure_that_nobody_else_knows_has_no_field() -> (
    None
):
    assert fields((0, 7, 3), (0, 0, 0), (1, 8, 3), public=(True, False, True)) == [7, -1, -1]


def test_what_sees_its_sources_on_many_parts_is_no_field() -> None:
    """About a pole the fields lie turned over one another."""
    turned = [(row, exposure, part) for row in (1, 2) for exposure, part in ((7, 3), (9, 44))]

    assert fields((0, 7, 5), (0, 9, 5)) == [7, 7]
    assert fields((0, 7, 5), (0, 9, 5), *turned) == [-1] * 6


def test_of_no_points_there_are_no_fields() -> None:
    assert fields_of(np.empty(0, int), np.empty(0), np.empty(0, bool)).tolist() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("1642404680815015001", 16424046808),
        ("ZTF21abiuvdk:1628435320815", 16284353208),
        ("ZTF21abiuvdk:1628435320815:fp", 16284353208),
        ("ZTF18abcdefg:562312345615", 5623123456),
        ("562312345615010012", 5623123456),
        ("ZTF21abiuvdk:-9990001234", None),
        ("nameless:r:2459396.904", None),
        ("1642404680816015001", None),  # of another product
        ("16424046808a5015001", None),
        ("162435615", None),
        ("", None),
    ],
)
def test_the_keys_of_ztf_tell_the_exposure_and_the_quadrant(key: str, image: int | None) -> None:
    assert images_of("ZTF", key) == [image]
    assert images_of("LSST", key) == [None]


def images_of(survey: str, *keys: str) -> list[int | None]:
    """The images that the keys of a survey's points tell."""
    number, image, parameters = image_of_key()
    keys_of = "unnest(%(keys)s::text[], %(surveys)s::text[]) WITH ORDINALITY AS p (key, survey, at)"
    asked = "SELECT (<image>)::bigint FROM (SELECT p.survey, <number> AS number, at FROM <keys>) v"
    for name, text in (("<image>", image), ("<number>", number), ("<keys>", keys_of)):
        asked = asked.replace(name, text)
    with connection.cursor() as cursor:
        given = {"keys": list(keys), "surveys": [survey] * len(keys)}
        cursor.execute(f"{asked} ORDER BY at", parameters | given)
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_no_two_surveys_have_the_same_image(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = visits.images()["ZTF"]
    monkeypatch.setattr(visits, "images", lambda: {"ZTF": declared, "of another camera": declared})

    (ours,), (other,) = (images_of(of, "1642404680815015001") for of in visits.images())

    assert ours is not None
    assert other is not None
    assert ours != other
    assert ours % PARTS == other % PARTS


@pytest.mark.django_db
def test_the_images_of_real_points_are_of_the_quadrants_that_their_packets_say(
    real_data: Path,
) -> None:
    told = 0
    for path in sorted((real_data / "ztf").rglob("*.avro")):
        record = packet_of(path)
        quadrants = {epoch["pid"]: epoch.get("rcid") for epoch in epochs_of(record)}
        points = parse_ztf(path.read_bytes()).points if quadrants else ()
        for image in images_of("ZTF", *(point.key for point in points)):
            quadrant = None if image is None else quadrants.get(100 * image + 15)
            if image is not None and quadrant is not None:
                told += 1
                assert image % PARTS == quadrant
    assert told > 3000


def packet_of(path: Path) -> dict[str, Any]:
    """The one record of a packet; empty: it has none that is ZTF's."""
    try:
        record = next(fastavro.reader(io.BytesIO(path.read_bytes())), {})
        parse_ztf(path.read_bytes())
    except (ValueError, MalformedAlertError):
        return {}
    return dict(record) if isinstance(record, dict) else {}


def epochs_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The epochs of a record that have an image."""
    lists = ([record["candidate"]] if record else [], "prv_candidates", "fp_hists")
    found = [each if isinstance(each, list) else record.get(each) or [] for each in lists]
    return [epoch for epochs in found for epoch in epochs if epoch.get("pid")]
