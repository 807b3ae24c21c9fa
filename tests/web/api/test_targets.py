"""Targets over the API."""

import pytest
from tom_targets.models import TargetName

from tests.factories import add_light_curve, make_program, make_score, make_target
from tom.scoring.models import Score
from tom.targets.models import LightCurvePoint, TargetSummary

pytestmark = pytest.mark.django_db


def names(response):
    return [row["name"] for row in response.json()["results"]]


def test_a_target_is_found_by_its_name_and_by_its_alias(plain):
    target = make_target("ZTF26abcdefg")
    make_target("ZTF26zzzzzzz")
    TargetName.objects.bulk_create([TargetName(target=target, name="AT 2026xyz")])

    assert names(plain.get("/api/targets/?name=26ABC")) == ["ZTF26abcdefg"]
    assert names(plain.get("/api/targets/?name=2026xyz")) == ["ZTF26abcdefg"]
    assert names(plain.get("/api/targets/?name=nothing")) == []


def test_a_cone_may_be_written_in_hours_and_minutes(plain):
    make_target("here", ra=10.5, dec=20)
    query = {"ra": "0h42m00s", "dec": "+20d00m00s", "radius_arcsec": 1}

    assert names(plain.get("/api/targets/", query)) == ["here"]
    assert names(plain.get("/api/targets/", query | {"ra": "10d30m00s"})) == ["here"]


def test_a_place_out_of_range_is_refused_with_the_reason(plain):
    response = plain.get("/api/targets/", {"ra": 999, "dec": 0, "radius_arcsec": 1})

    assert response.status_code == 400
    assert "RA lies from 0 to 360 degrees, not at 999" in response.text


def test_a_cone_gives_the_nearest_first_with_its_distance(plain):
    make_target("near", ra=359.9999, dec=0)
    make_target("nearer", ra=0.00002, dec=0)
    make_target("far", ra=1, dec=0)

    response = plain.get("/api/targets/", {"ra": 0, "dec": 0, "radius_arcsec": 1})

    assert names(response) == ["nearer", "near"]
    assert response.json()["results"][1]["separation_arcsec"] == pytest.approx(0.36)


@pytest.mark.parametrize(
    "query",
    [
        {"ra": 0},
        {"ra": 0, "dec": 0},
        {"ra": 0, "dec": 91, "radius_arcsec": 1},
        {"ra": 0, "dec": 0, "radius_arcsec": 1e9},
        {"ra": "nan", "dec": 0, "radius_arcsec": 1},
        {"ra": "x", "dec": 0, "radius_arcsec": 1},
    ],
)
def test_a_cone_that_is_none_is_a_400(plain, query):
    assert plain.get("/api/targets/", query).status_code == 400


def test_ids_past_what_javascript_counts_are_texts(plain):
    target = make_target("ZTF26abcdefg")

    told = plain.get(f"/api/targets/{target.pk}/").json()

    assert told["summary"]["healpix29"] == str(target.summary.healpix29)


def test_what_is_not_a_number_is_null(plain):
    target = make_target("ZTF26abcdefg")
    TargetSummary.objects.update(ebv=float("nan"), last_magnitude=float("inf"))

    told = plain.get(f"/api/targets/{target.pk}/").json()

    assert told["summary"]["ebv"] is None
    assert told["summary"]["last_magnitude"] is None


def test_a_light_curve_tells_limits_as_limits(plain):
    target = make_target("ZTF26abcdefg", points=2)

    limit, first, second = plain.get(f"/api/targets/{target.pk}/lightcurve/").json()["results"]

    assert (limit["kind"], limit["flux"], limit["magnitude"]) == ("limit", None, None)
    assert limit["limit"] == pytest.approx(20.8)
    assert first["magnitude"] == pytest.approx(17.5)
    assert second["magnitude"] == pytest.approx(17.75)
    assert first["magnitude_error"] == pytest.approx(1.0857 / 20, rel=1e-3)


def test_points_of_a_group_s_program_are_told_to_the_group_alone(plain, member, team):
    target = make_target("ZTF26abcdefg", points=1)
    LightCurvePoint.objects.filter(kind="limit").delete()
    LightCurvePoint.objects.update(program=make_program(2, group=team))
    address = f"/api/targets/{target.pk}/lightcurve/"

    assert plain.get(address).json()["results"] == []
    assert len(member.get(address).json()["results"]) == 1


@pytest.mark.parametrize("route", ["", "lightcurve/", "scores/"])
def test_a_private_target_is_there_for_its_owners_alone(
    plain, observer, member, admin, team, route
):
    target = make_target("hidden", private=True, owners=[team])
    address = f"/api/targets/{target.pk}/{route}"

    assert [client.get(address).status_code for client in (plain, observer)] == [404, 404]
    assert [client.get(address).status_code for client in (member, admin)] == [200, 200]


def test_a_private_target_is_in_no_list_of_others(plain, member, team):
    make_target("hidden", private=True, owners=[team])
    place = {"ra": 197.45, "dec": -23.38, "radius_arcsec": 5}

    for query in ({}, {"name": "hid"}, place):
        assert names(plain.get("/api/targets/", query)) == []
        assert names(member.get("/api/targets/", query)) == ["hidden"]


def test_scores_tell_abstentions_with_their_reason(plain):
    target = make_target("ZTF26abcdefg")
    make_score(target, p=0.8)
    Score.objects.create(
        target=target, scorer="real_bogus", version="1", data_version=1, reason="no stamp"
    )

    abstained, scored = plain.get(f"/api/targets/{target.pk}/scores/").json()["results"]

    assert (abstained["probability"], abstained["reason"]) == (None, "no stamp")
    assert scored["probability"]["kilonova"] == 0.8


@pytest.mark.parametrize("number", [1, 5])
def test_a_list_takes_as_many_queries_whatever_its_length(plain, django_assert_num_queries, number):
    for _ in range(number):
        make_target(points=1)

    with django_assert_num_queries(6):
        found = plain.get("/api/targets/").json()

    assert found["count"] == number


def test_a_thousand_points_come_in_one_answer(plain, django_assert_max_num_queries):
    target = make_target("ZTF26abcdefg", points=0)
    add_light_curve_of(target, 1000)
    plain.get(f"/api/targets/{target.pk}/lightcurve/")

    with django_assert_max_num_queries(7):
        found = plain.get(f"/api/targets/{target.pk}/lightcurve/").json()

    assert len(found["results"]) == 1001


def add_light_curve_of(target, number):
    LightCurvePoint.objects.all().delete()
    add_light_curve(target, points=number, program=make_program())
