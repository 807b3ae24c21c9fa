"""The page of a target: what it links to, its points, its light curve's data."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.models import TargetExtra, TargetName

from tests import factories
from tests.factories import MERGER
from tom.scoring.models import Score
from tom.sky.at2017gfo import CURVES, DISTANCE_MPC
from tom.targets.models import LightCurvePoint
from tom.web.links import event_links, links_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def observer(client: Client, vera: User) -> Client:
    client.force_login(vera)
    return client


# --- Links --------------------------------------------------------------------------------------
def urls(*names: str, dec: float = -23.38) -> dict[str, str]:
    return {link.name: link.url for link in links_of(names, ra=197.45, dec=dec)}


def test_an_object_of_ztf_links_to_the_brokers_pages_of_ztf() -> None:
    links = urls("ZTF26abcdefg")

    assert links["ALeRCE"] == "https://alerce.online/object/ZTF26abcdefg"
    assert links["Fink"] == "https://ztf.fink-portal.org/ZTF26abcdefg"
    assert links["Lasair"] == "https://lasair-ztf.lsst.ac.uk/objects/ZTF26abcdefg/"


def test_an_object_of_lsst_links_to_the_brokers_pages_of_lsst() -> None:
    links = urls("AT2026abc", "313888621451936789")

    assert links["Fink (LSST)"] == "https://lsst.fink-portal.org/313888621451936789"
    assert links["Lasair (LSST)"] == "https://lasair.lsst.ac.uk/objects/313888621451936789/"
    assert "ALeRCE" not in links
    assert links["TNS"] == "https://www.wis-tns.org/object/2026abc"


def test_a_name_of_tns_is_one_however_it_is_written() -> None:
    for name in ("2026abc", "AT2026abc", "at 2026abc", "SN 2026abc"):
        assert urls("my source", name)["TNS"] == "https://www.wis-tns.org/object/2026abc"


def test_a_target_without_a_survey_links_to_its_place_alone() -> None:
    links = urls("my <source>&1")

    assert list(links) == ["TNS", "SIMBAD", "NED", "Legacy Survey", "PS1", "VizieR"]
    assert all("197.45" in url for url in links.values())
    assert "PS1" not in urls("x", dec=-45)


def test_the_page_links_to_other_sites_without_telling_them_of_ours(observer: Client) -> None:
    target = factories.make_target("ZTF26abcdefg")
    TargetName.objects.bulk_create([TargetName(target=target, name="AT 2026abc")])

    text = observer.get(f"/targets/{target.pk}/").text

    for url in urls("ZTF26abcdefg", "AT 2026abc").values():
        escaped = url.replace("&", "&amp;")
        assert f'<a href="{escaped}" rel="noopener noreferrer"' in text


def test_an_event_links_to_gracedb_and_names_its_detectors(observer: Client) -> None:
    event = factories.make_event("S261120ab")
    sequence = event.sequences.last()
    assert sequence is not None
    sequence.details = {"event": {"instruments": ["H1", "L1", "V1"]}}
    sequence.save()

    text = observer.get("/events/S261120ab/").text

    assert "https://gracedb.ligo.org/superevents/S261120ab/view/" in text
    assert "LIGO Hanford, LIGO Livingston, Virgo" in text


def test_an_event_of_others_has_no_page_at_gracedb() -> None:
    assert event_links(factories.make_event("GRB261120A", kind="grb")) == []


# --- Copy and chips -----------------------------------------------------------------------------
def test_the_place_can_be_copied_in_degrees_and_in_hours(observer: Client) -> None:
    target = factories.make_target(ra=197.450354, dec=-23.381484)

    text = observer.get(f"/targets/{target.pk}/").text

    assert 'data-copy="197.450354 -23.381484"' in text
    assert 'data-copy="13:09:48.08 -23:22:53.3"' in text


def test_the_line_of_chips_tells_class_magnitude_host_redshift_and_verdict(
    observer: Client,
) -> None:
    target = factories.make_target()
    factories.make_score(target, p=0.8)
    factories.make_candidate(factories.make_event("S261120ab"), target, vetting="promising")
    target.summary.host_name, target.summary.host_distance_mpc = "NGC 4993", 40.0
    target.summary.save()
    TargetExtra.objects.create(target=target, key="redshift", value="0.0098")

    Score.objects.update(since=MERGER)

    text = observer.get(f"/targets/{target.pk}/?part=chips").text

    for told in ("kilonova</b> 80%", "18.75", "NGC 4993", "0.0098", "S261120ab", "Promising"):
        assert told in text


def test_what_is_not_known_of_a_target_is_said(observer: Client) -> None:
    text = observer.get(f"/targets/{factories.make_target().pk}/?part=chips").text

    assert text.count("not known") == 3


# --- Points -------------------------------------------------------------------------------------
def make_private_point(target: object) -> LightCurvePoint:
    program = factories.make_program(2, group=factories.make_group())
    return LightCurvePoint.objects.create(
        target=target,
        survey="ZTF",
        kind="alert",
        key="secret",
        time=MERGER,
        band="secret",
        flux=1e5,
        flux_error=1e3,
        program=program,
    )


def test_the_table_sorts_by_magnitude_with_limits_last(observer: Client) -> None:
    target = factories.make_target(points=3)
    address = f"/targets/{target.pk}/points/"

    bright = observer.get(address, {"sort": "magnitude"}).text
    faint = observer.get(address, {"sort": "-magnitude"}).text

    assert bright.index("17.500") < bright.index("17.750") < bright.index("18.000")
    assert faint.index("18.000") < faint.index("17.750") < faint.index("17.500")
    assert bright.index("17.500") < bright.index("&gt; 20.80")
    assert faint.index("17.500") < faint.index("&gt; 20.80")


@pytest.mark.parametrize("sort", ["", "nothing", "-", "--time", "time,pk"])
def test_an_order_that_is_none_is_the_newest_first(observer: Client, sort: str) -> None:
    target = factories.make_target(points=2)

    text = observer.get(f"/targets/{target.pk}/points/", {"sort": sort}).text

    assert text.index("17.750") < text.index("17.500")


def test_the_csv_has_every_point_with_its_units(observer: Client) -> None:
    target = factories.make_target("=ZTF", points=2)

    answer = observer.get(f"/targets/{target.pk}/points.csv")
    limit, first, second = csv.DictReader(io.StringIO(answer.text))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="_ZTF-points.csv"'
    assert (limit["kind"], limit["limit_ab_5sigma"], limit["magnitude_ab"]) == (
        "limit",
        "20.8000",
        "",
    )
    assert (first["magnitude_ab"], second["magnitude_ab"]) == ("17.5000", "17.7500")
    assert float(second["mjd"]) - float(first["mjd"]) == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("page", ["points/", "points.csv", "lightcurve.json"])
def test_a_point_of_anothers_program_is_in_no_table(observer: Client, page: str) -> None:
    target = factories.make_target()
    make_private_point(target)

    assert "secret" not in observer.get(f"/targets/{target.pk}/{page}").text


# --- Light curve --------------------------------------------------------------------------------
def test_the_light_curve_brings_what_phase_and_absolute_magnitude_need(observer: Client) -> None:
    target = factories.make_target()
    factories.make_candidate(factories.make_event("S261120ab"), target)
    target.summary.host_name, target.summary.host_distance_mpc = "NGC 4993", 41.0
    target.summary.save()
    TargetExtra.objects.create(target=target, key="redshift", value="0.01")

    told = observer.get(f"/targets/{target.pk}/lightcurve.json").json()

    (event,) = told["events"]
    assert (event["name"], event["distance_mpc"]) == ("S261120ab", pytest.approx(40, rel=0.02))
    assert [each["source"] for each in told["distances"]] == [
        "redshift 0.01",
        "host NGC 4993",
        "map of S261120ab",
    ]
    # Planck18: 44.6 Mpc.
    assert told["distances"][0]["mpc"] == pytest.approx(44.6, abs=0.2)


def test_a_target_of_no_known_distance_has_none(observer: Client) -> None:
    target = factories.make_target()
    factories.make_candidate(factories.make_event("S261120ab", localized=False), target)

    told = observer.get(f"/targets/{target.pk}/lightcurve.json").json()

    assert told["distances"] == []
    assert told["events"][0]["distance_mpc"] is None


def test_at2017gfo_fades_as_it_did() -> None:
    """Known of it: it peaked at about 17.3 within a day, and g fell much faster than z."""
    assert abs(DISTANCE_MPC - 40) < 2
    assert min(magnitude for _, magnitude in CURVES["r"]) == pytest.approx(17.3, abs=0.1)
    fading = {band: dict(curve)[4.45] - dict(curve)[0.47] for band, curve in CURVES.items()}
    assert fading["g"] > fading["r"] > fading["i"] > fading["z"] > 1
