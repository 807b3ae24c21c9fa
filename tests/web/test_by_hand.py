"""Targets made by hand, and uploaded photometry."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests import factories
from tom.candidates.models import EventCandidate
from tom.targets.models import LightCurvePoint, PointUpload, TargetSummary
from tom.targets.visible import visible_targets

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Group:
    return factories.make_group("team")


@pytest.fixture
def vera(team: Group) -> User:
    return factories.make_observer("vera", groups=[team])


@pytest.fixture
def observer(client: Client, vera: User) -> Client:
    client.force_login(vera)
    return client


def form(**changes: object) -> dict[str, object]:
    return {
        "name": "my source",
        "position": "13h09m48.08s -23d22m53.3s",
        "redshift": "",
        "for": "public",
        **changes,
    }


# --- A target -----------------------------------------------------------------------------------
def test_a_target_is_made_at_a_position_however_it_is_written(observer: Client) -> None:
    answer = observer.post("/targets/new/", form(redshift="0.0098"))

    made = BaseTarget.objects.get(name="my source")
    assert answer.headers["Location"] == f"/targets/{made.pk}/"
    assert (made.ra, made.dec) == (pytest.approx(197.450333), pytest.approx(-23.381472))
    assert made.permissions == "PUBLIC"
    assert made.summary.first_seen is None
    assert "0.0098" in observer.get(f"/targets/{made.pk}/").text
    found = observer.get("/search/", {"q": "13:09:48.08 -23:22:53.3"})
    assert found.headers["Location"] == f"/targets/{made.pk}/"


def test_a_groups_target_is_seen_by_the_group_alone(observer: Client, team: Group) -> None:
    observer.post("/targets/new/", form(**{"for": team.pk}))

    made = BaseTarget.objects.get(name="my source")
    assert made.permissions == "PRIVATE"
    assert visible_targets(factories.make_observer(groups=[team])).contains(made)
    assert not visible_targets(factories.make_observer()).contains(made)


def test_what_stands_there_is_shown_before_a_second_one_is_made(observer: Client) -> None:
    there = factories.make_target("ZTF26there", ra=197.45045, dec=-23.38147)

    asked = observer.post("/targets/new/", form())
    assert not BaseTarget.objects.filter(name="my source").exists()
    observer.post("/targets/new/", form(anyway="yes"))

    assert asked.status_code == 422
    assert f"/targets/{there.pk}/" in asked.text
    assert BaseTarget.objects.filter(name="my source").exists()


def test_what_is_hidden_there_is_not_shown(observer: Client) -> None:
    factories.make_target("ZTF26hidden", ra=197.45045, dec=-23.38147, private=True)

    answer = observer.post("/targets/new/", form())

    assert answer.status_code == 302


def test_a_name_that_is_taken_leads_to_its_target_or_tells_nothing_of_it(
    observer: Client,
) -> None:
    there = factories.make_target("ZTF26there", ra=10)
    factories.make_target("ZTF26hidden", ra=10, private=True)

    visible = observer.post("/targets/new/", form(name="ztf26THERE")).text
    hidden = observer.post("/targets/new/", form(name="ztf26HIDDEN")).text

    link = f'<a href="/targets/{there.pk}/">ZTF26there</a>'
    assert f"There is a target of this name: {link}." in visible
    assert "This name cannot be given here: choose another, or ask an administrator." in hidden
    assert "target of this name" not in hidden


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": ""}, "A name has"),
        ({"name": "x" * 101}, "A name has"),
        ({"name": ".."}, "A name has"),
        ({"name": "ztf26THERE"}, "There is a target of this name"),
        ({"position": "13:61:00 10"}, "RA has 61 minutes"),
        ({"position": "somewhere"}, "This is not a position"),
        ({"position": ""}, "This is not a position"),
        ({"redshift": "-1"}, "A redshift is"),
        ({"redshift": "nan"}, "A redshift is"),
        ({"for": ""}, "Choose who may see it"),
        ({"for": "999999"}, "Choose who may see it"),
    ],
)
def test_what_cannot_be_is_refused_with_why(
    observer: Client, changes: dict[str, object], why: str
) -> None:
    factories.make_target("ZTF26there", ra=10)

    answer = observer.post("/targets/new/", form(**changes))

    assert answer.status_code == 422
    assert why in answer.text
    assert BaseTarget.objects.count() == 1


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_role_is_no_group_to_keep_anything_for(
    client: Client, team: Group, *, is_admin: bool
) -> None:
    roles = [Group.objects.get_or_create(name=name)[0] for name in ("Observers", "Leads")]
    person = factories.make_lead("lise", groups=[team])
    person = factories.make_admin("ada") if is_admin else person
    client.force_login(person)
    target = factories.make_target()

    choices = [
        client.get(path).text for path in ("/targets/new/", f"/targets/{target.pk}/photometry/")
    ]
    answers = [client.post("/targets/new/", form(**{"for": role.pk})) for role in roles]

    for told in choices:
        assert f'<option value="{team.pk}"' in told
        assert not [role.name for role in roles if f'<option value="{role.pk}"' in told]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert not BaseTarget.objects.filter(name="my source").exists()


def test_nobody_makes_a_target_of_a_group_that_is_not_theirs(observer: Client) -> None:
    others = factories.make_group("others")

    answer = observer.post("/targets/new/", form(**{"for": others.pk}))

    assert answer.status_code == 422
    assert not BaseTarget.objects.exists()


# --- Photometry ---------------------------------------------------------------------------------
def table(*rows: str) -> str:
    return "\n".join(["mjd,filter,mag,magerr,limit", *rows])


def mjd(hours_after_merger: float) -> float:
    seconds = factories.MERGER.timestamp() + 3600 * hours_after_merger
    return seconds / 86400 + 40587


GOOD = (f"{mjd(20):.5f},r,18.5,0.05,", f"{mjd(30):.5f},r,19.0,0.05,", f"{mjd(-30):.5f},r,,,21")


def upload(observer: Client, target: BaseTarget, text: str, **more: object) -> object:
    data = {"text": text, "for": "public", "do": "store", "flux_unit": "ujy", **more}
    return observer.post(f"/targets/{target.pk}/photometry/", data)


def test_photometry_is_shown_before_it_is_stored(observer: Client) -> None:
    target = factories.make_target()

    answer = upload(observer, target, table(*GOOD), do="check")

    assert "18.500 ± 0.050" in answer.text
    assert "&gt; 21.00" in answer.text
    assert "Store 3 points" in answer.text
    assert not PointUpload.objects.exists()


def test_a_file_is_read_as_a_pasted_table_is(observer: Client) -> None:
    target = factories.make_target()
    file = SimpleUploadedFile("night.csv", table(*GOOD).encode("utf-8-sig"))

    shown = upload(observer, target, "", file=file, do="check").text

    assert "Store 3 points" in shown
    assert 'name="filename" value="night.csv"' in shown
    assert GOOD[0] in shown  # it is carried along for the next step


def test_a_file_that_is_no_text_is_refused_and_the_table_before_it_is_not_stored(
    observer: Client,
) -> None:
    target = factories.make_target("ZTF26a")
    file = SimpleUploadedFile("night.csv", b"mjd,band\xff")

    answer = upload(observer, target, table(*GOOD), file=file, do="store")

    assert answer.status_code == 422
    assert "The file is not UTF-8 text." in answer.text
    assert not PointUpload.objects.exists()


def test_one_point_is_no_points_and_what_is_not_known_has_no_unit(observer: Client) -> None:
    observer.post("/targets/new/", form())
    made = BaseTarget.objects.get(name="my source")
    before = observer.get(f"/targets/{made.pk}/").text

    text = table(f"{mjd(20)},r,19.2,0.1,")
    shown = upload(observer, made, text, do="check")
    stored = upload(observer, made, text, do="store")

    assert "\u2013 UTC" not in before
    assert " ".join(shown.text.split()).count("> Store 1 point <") == 1  # type: ignore[attr-defined]
    assert stored.status_code == 302  # type: ignore[attr-defined]
    after = " ".join(observer.get(f"/targets/{made.pk}/").text.split())
    assert "1 point was stored." in after
    assert "1 detection, 0 limits" in after


def test_stored_points_are_in_the_light_curve_and_counted(observer: Client) -> None:
    target = factories.make_target(points=2)

    upload(observer, target, table(*GOOD))

    summary = TargetSummary.objects.get(target=target)
    assert (summary.n_detections, summary.n_limits) == (4, 2)
    assert summary.last_magnitude == pytest.approx(19.0)
    assert summary.alert_values == {"drb": 0.98, "rb": 0.81}  # the alerts' own word stays
    assert PhotometryReducedDatum.objects.filter(target=target, source_name="BY HAND").count() == 3
    assert "18.500" in observer.get(f"/targets/{target.pk}/points/").text


def test_a_row_that_ails_stops_the_table_and_is_named(observer: Client) -> None:
    target = factories.make_target()

    answer = upload(observer, target, table(*GOOD, "61000,r,19,,"))

    assert answer.status_code == 422
    assert "Row 4" in answer.text
    assert "the magnitude has no error" in answer.text
    assert not PointUpload.objects.exists()


def test_columns_can_be_chosen_where_headings_say_nothing(observer: Client) -> None:
    target = factories.make_target()
    text = f"a,b,c,d\n{mjd(20)},r,18.5,0.05"
    chosen = {
        "column-time": 0,
        "column-band": 1,
        "column-magnitude": 2,
        "column-magnitude_error": 3,
    }

    asked = upload(observer, target, text)
    upload(observer, target, text, **chosen)

    assert "Say which column holds the time" in asked.text
    assert PointUpload.objects.get().n_points == 1


def test_a_groups_points_are_seen_by_the_group_alone(
    observer: Client, client: Client, team: Group
) -> None:
    target = factories.make_target()
    before = TargetSummary.objects.get(target=target).n_detections

    upload(observer, target, table(*GOOD), **{"for": team.pk})
    mine = observer.get(f"/targets/{target.pk}/points/").text
    client.force_login(factories.make_observer())
    theirs = client.get(f"/targets/{target.pk}/points/").text
    page = client.get(f"/targets/{target.pk}/").text

    assert "18.500" in mine
    assert "uploads of team" in mine
    assert "uploads of team" not in theirs + page
    assert TargetSummary.objects.get(target=target).n_detections == before


def test_public_points_do_not_open_a_private_target(observer: Client, team: Group) -> None:
    target = factories.make_target(
        private=True, owners=[team], program=factories.make_program(2, group=team)
    )

    answer = upload(observer, target, table(*GOOD))
    target.refresh_from_db()

    assert answer.status_code == 422
    assert target.permissions == "PRIVATE"


def test_points_of_a_group_that_may_not_see_the_target_do_not_show_it_to_them(
    observer: Client, vera: User, team: Group
) -> None:
    others = factories.make_group("others")
    vera.groups.add(others)
    target = factories.make_target(
        private=True, owners=[team], program=factories.make_program(2, group=team)
    )

    answer = upload(observer, target, table(*GOOD), **{"for": others.pk})

    assert answer.status_code == 422
    assert not visible_targets(factories.make_observer(groups=[others])).contains(target)


def test_an_upload_is_taken_back_with_all_that_came_of_it(observer: Client) -> None:
    target = factories.make_target(points=2)
    before = TargetSummary.objects.filter(target=target).values(
        "n_detections", "n_limits", "first_seen", "first_detection", "last_magnitude"
    )
    kept = list(before)

    upload(observer, target, table(*GOOD, f"{mjd(2):.5f},g,17.0,0.05,"))
    assert list(before.all()) != kept
    made = PointUpload.objects.get()
    observer.post(f"/targets/{target.pk}/photometry/{made.pk}/undo/")

    assert list(before.all()) == kept
    assert not LightCurvePoint.objects.filter(survey="BY HAND").exists()
    assert not PhotometryReducedDatum.objects.filter(source_name="BY HAND").exists()


def test_the_only_points_of_a_target_taken_back_leave_none(observer: Client) -> None:
    observer.post("/targets/new/", form())
    target = BaseTarget.objects.get(name="my source")

    upload(observer, target, table(*GOOD))
    observer.post(f"/targets/{target.pk}/photometry/{PointUpload.objects.get().pk}/undo/")

    summary = TargetSummary.objects.get(target=target)
    assert (summary.n_detections, summary.last_magnitude, summary.first_seen) == (0, None, None)


def test_nobody_takes_anothers_upload_back(observer: Client, client: Client) -> None:
    target = factories.make_target()
    upload(observer, target, table(*GOOD))
    address = f"/targets/{target.pk}/photometry/{PointUpload.objects.get().pk}/undo/"
    client.force_login(factories.make_observer())

    answer = client.post(address)

    assert answer.status_code == 403
    assert PointUpload.objects.exists()


def test_a_target_made_by_hand_becomes_a_candidate_by_its_points(observer: Client) -> None:
    event = factories.make_event("S261120ab")
    observer.post("/targets/new/", form())
    target = BaseTarget.objects.get(name="my source")

    upload(observer, target, table(*GOOD))

    assert EventCandidate.objects.filter(event=event, target=target).exists()


def test_a_survey_that_finds_it_later_moves_nothing_before_the_hand(observer: Client) -> None:
    observer.post("/targets/new/", form())
    target = BaseTarget.objects.get(name="my source")

    upload(observer, target, table(*GOOD))
    target.refresh_from_db()

    assert target.ra == pytest.approx(197.450333)
    assert TargetSummary.objects.get(target=target).position_time <= timezone.now()
