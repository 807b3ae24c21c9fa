"""The pages of plans: the form, a plan while it is made and after, and its exports."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests import factories
from tests.planning.nights import END, PLACE, START, make_map, make_telescope
from tests.planning.plans import keep_plan
from tests.pointings import made as pointings
from tests.web.test_odd_requests import TEXTS
from tom.events.models import Localization, NonLocalizedEvent
from tom.pipeline import make_plan
from tom.planning.models import Plan
from tom.planning.others import MOST_COVERED, covered_fields
from tom.planning.plain import Task, read_task, work_task, write_schedule
from tom.planning.schedule import Wanted, plan_night
from tom.planning.telescopes import TELESCOPES
from tom.pointings.instruments import find_instrument
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Pointing, Source, Status
from tom.web.plan_form import fields_of, form_again, form_of, read_plan_form

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/plan/"


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    return client


def typed(**changes: str) -> dict[str, str]:
    """The form as a browser sends it, with DECam's figures."""
    values = form_of(TELESCOPES[0], now=START).values
    return values | {"start": "2019-08-15 04:00", "end": "2019-08-15 10:00"} | changes


def make_done(event: NonLocalizedEvent, **figures: object) -> Plan:
    return keep_plan(event, by=User.objects.get(username="vera"), **figures)


def test_what_is_asked_becomes_a_plan_that_a_worker_makes(observer, event):
    asked = typed(name="Huge", radius_deg="30", airmass_max="9", search="0", most="2")

    answer = observer.post(PAGE, asked)
    plan = Plan.objects.get()
    waiting = observer.get(answer.headers["Location"]).text
    make_plan(plan.pk)
    made = observer.get(answer.headers["Location"]).text
    part = observer.get(f"{PAGE}{plan.pk}/?part=plan").text

    assert answer.status_code == 302
    assert 'hx-trigger="every 1s"' in waiting
    assert "Waiting" in waiting
    for text in (made, part):
        assert "Possible at most" in text or "Nothing can be observed" in text
        assert "every 1s" not in text
    assert "<html" in made
    assert "<html" not in part


@pytest.mark.parametrize("telescope", TELESCOPES, ids=lambda each: each.name)
def test_the_figures_of_a_declared_telescope_are_read_as_they_are_shown(telescope):
    values = form_of(telescope, now=START).values

    form = read_plan_form(values, covered=[], done=[])

    assert form.errors == {}
    assert form.task is not None
    assert form.task.telescope == telescope
    assert form.task.wanted.solver_seconds == 10


WRONG = [
    ("exposure_s", "0", "Write a number from 1 to 7200."),
    ("exposure_s", "", "Write a number."),
    ("latitude", "nan", "from -90 to 90"),
    ("radius_deg", "", "This shape needs it."),
    ("radius_deg", "31", "from 0.02 to 30"),
    ("shape", "star", "This is no field"),
    ("start", "tomorrow", "YYYY-MM-DD HH:MM"),
    ("end", "2019-08-15 03:00", "The end comes after the start"),
    ("end", "2019-08-17 03:00", "within 24 hours"),
    ("most", "0", "from 1 to 1000"),
    ("overlap", "1", "from 0 to 0.9"),
    ("name", "", "1 to 100 characters"),
    ("search", "9999", "Choose how long"),
    ("grid", "12.5", "Write a field a line"),
    ("grid", "12.5 -95", "Write a field a line"),
    ("grid", "1 1\n" * 2001, "at most 2000 fields"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_field_is_said_beside_it(observer, event, name, value, said):
    answer = observer.post(PAGE, typed(**{name: value}))

    assert answer.status_code == 422
    assert said in answer.text
    assert "look at what is marked below" in answer.text
    assert not Plan.objects.exists()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_odd_texts_in_every_field_are_refused(observer, event, text):
    asked = dict.fromkeys([*typed(), "covered"], text)
    body = urlencode(asked, errors="surrogatepass")

    posted = observer.post(PAGE, body, content_type="application/x-www-form-urlencoded")
    query = urlencode({"telescope": text, "again": text}, errors="surrogatepass")[:60_000]
    shown = observer.get(f"{PAGE}?{query}")

    assert (posted.status_code, shown.status_code) == (422, 200)
    assert not Plan.objects.exists()


POLYGONS = [
    ("", "Write a polygon a line"),
    ("1,2 3", "Write a polygon a line"),
    ("a,b c,d e,f", "Write a polygon a line"),
    ("0,0 1,1", "three corners"),
    ("0,0 1,0 1,1\n" * 65, "at most 64 polygons"),
    ("0,0 0,0 1,1", "the same"),
    ("0,0 99,0 1,1", "Write a polygon a line"),
]


@pytest.mark.parametrize(("text", "said"), POLYGONS)
def test_wrong_polygons_are_refused(text, said):
    form = read_plan_form(typed(shape="polygons", polygons=text), covered=[], done=[])

    assert said in " ".join(form.errors["polygons"])
    assert form.task is None


def test_polygons_with_a_gap_and_a_grid_of_ones_own_are_read():
    chips = "-1,-1 -0.1,-1 -0.1,1 -1,1\n0.1,-1 1,-1 1,1 0.1,1"

    form = read_plan_form(
        typed(shape="polygons", polygons=chips, grid="12.5 -25\n13.1, -24.5"), covered=[], done=[]
    )

    assert form.task is not None
    assert len(form.task.telescope.field.polygons) == 2
    assert form.task.wanted.grid is not None
    assert form.task.wanted.grid[0].tolist() == [12.5, 13.1]


def test_a_sources_magnitude_becomes_a_distance_by_the_depth():
    seen = read_plan_form(typed(source_magnitude="-16", depth="22"), covered=[], done=[])
    blind = read_plan_form(typed(source_magnitude="-16", depth=""), covered=[], done=[])

    assert seen.task is not None
    assert seen.task.wanted.reach_mpc == pytest.approx(10 ** (13 / 5))
    assert "only with a depth" in blind.errors["depth"][0]


def test_a_sources_magnitude_needs_a_map_with_distances(observer, event):
    Localization.objects.update(distance_fraction=0)

    answer = observer.post(PAGE, typed(source_magnitude="-16"))

    assert answer.status_code == 422
    assert "The map has no distances" in answer.text


def test_the_fields_of_a_done_plan_are_left_out(observer, event):
    plan = make_done(event)

    form = read_plan_form(typed(), covered=[str(plan.pk), "99", "x"], done=[plan])

    assert form.task is not None
    assert list(form.task.covered) == fields_of(plan)
    assert "Leave out what these plans observe" in observer.get(PAGE).text


def test_a_plan_is_shown_with_its_order_its_figures_and_its_map(observer, event):
    plan = make_done(event)

    text = observer.get(f"{PAGE}{plan.pk}/").text

    assert text.count("data-row") == 3
    assert text.count('class="field"') == 3
    assert "plan-map" in text
    assert re.search(r"at most [\d.]+% more", text)
    assert "Not observed" in text
    assert ">Treasure Map" in re.sub(r">\s+", ">", text)


def test_a_plan_is_exported_in_three_forms(observer, event):
    plan = make_done(event)

    answers = {
        form: observer.get(f"{PAGE}{plan.pk}/{form}/") for form in ("json", "csv", "treasuremap")
    }

    assert {form: answer.status_code for form, answer in answers.items()} == {
        "json": 200,
        "csv": 200,
        "treasuremap": 200,
    }
    assert len(answers["csv"].text.splitlines()) == 4
    assert len(answers["treasuremap"].json()["pointings"]) == 3
    again = read_task(answers["json"].json()["task"])
    assert again.telescope == make_telescope()
    assert "S261120ab-plan-" in answers["csv"].headers["Content-Disposition"]


@pytest.mark.parametrize("state", ["waiting", "working", "refused", "failed"])
def test_only_a_checked_plan_is_exported(observer, event, state):
    plan = make_done(event)
    Plan.objects.update(state=state, reason="it took longer than 5 s", step="Checking the plan")

    page = observer.get(f"{PAGE}{plan.pk}/")

    assert page.status_code == 200
    assert f"/plan/{plan.pk}/csv/" not in page.text
    for form in ("json", "csv", "treasuremap"):
        assert observer.get(f"{PAGE}{plan.pk}/{form}/").status_code == 404


def test_a_refused_plan_says_what_the_check_found(observer, event):
    plan = make_done(event)
    result = plan.result | {"faults": ["Pointing 2 is too low."]}
    Plan.objects.update(state="refused", result=result)

    text = observer.get(f"{PAGE}{plan.pk}/").text

    assert "The check refused this plan" in text
    assert "Pointing 2 is too low." in text


def test_a_plan_without_a_pointing_says_why(observer, event):
    plan = make_done(event)
    schedule = plan_night(
        make_map(place=(12.5, 75.0)), make_telescope(), Wanted(START, END, solver_seconds=0)
    )
    Plan.objects.update(result=write_schedule(schedule) | {"faults": []})

    text = observer.get(f"{PAGE}{plan.pk}/").text

    assert "Nothing can be observed" in text
    assert "too low" in text


def test_a_plan_for_a_test_event_says_so_and_has_no_form_for_the_treasure_map(observer):
    event = factories.make_event("MS261120ab", test_reasons=["its id says so"])
    plan = make_done(event)
    page = f"/events/MS261120ab/plan/{plan.pk}/"

    text = observer.get(page).text

    assert "MS261120ab is a test" in text
    assert "No form for the Treasure Map: MS261120ab is a test" in text
    assert observer.get(f"{page}treasuremap/").status_code == 404
    assert observer.get(f"{page}csv/").status_code == 200


def test_a_retracted_event_takes_no_plan(observer):
    factories.make_event("S261120ab", retracted=True)

    page = observer.get(PAGE).text
    answer = observer.post(PAGE, typed())

    assert "There is nothing to look for" in page
    assert answer.status_code == 422
    assert not Plan.objects.exists()


def test_an_event_without_a_map_takes_no_plan(observer):
    factories.make_event("S261120ab", localized=False)

    assert "There is no map to plan for" in observer.get(PAGE).text
    assert observer.post(PAGE, typed()).status_code == 422


def test_a_sixth_plan_waits_for_the_first_five(observer, event):
    answers = [observer.post(PAGE, typed()).status_code for _ in range(6)]

    assert answers == [302] * 5 + [422]


def test_a_plan_is_its_makers_own(observer, client, event):
    plan = make_done(event)
    client.force_login(factories.make_observer("other"))

    assert "plan " + str(plan.pk) not in client.get(PAGE).text
    for path in ("", "csv/", "json/"):
        assert client.get(f"{PAGE}{plan.pk}/{path}").status_code == 404
    assert client.get(f"{PAGE}?again={plan.pk}").status_code == 200
    assert 'value="Wide"' not in client.get(f"{PAGE}?again={plan.pk}").text


def test_plan_again_fills_the_form_in(observer, event):
    plan = make_done(event)

    assert 'value="Wide"' in observer.get(f"{PAGE}?again={plan.pk}").text
    assert form_again(plan).values["name"] == "Wide"


def test_a_reader_without_the_right_sees_no_link_and_no_page(client, event):
    client.force_login(factories.make_user())

    assert "/plan/" not in client.get("/events/S261120ab/").text
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, typed()).status_code == 403


def test_the_event_page_leads_to_the_plans(observer, event):
    assert f'href="{PAGE}"' in observer.get("/events/S261120ab/").text


def test_the_list_asks_as_often_for_many_plans_as_for_one(
    observer, event, django_assert_max_num_queries
):
    plan = make_done(event)
    Plan.objects.bulk_create(
        [
            Plan(
                event=event,
                localization=plan.localization,
                map_name="",
                telescope=f"T{number}",
                task=plan.task,
                state="done",
                result=plan.result,
                created_by=plan.created_by,
            )
            for number in range(20)
        ]
    )

    with django_assert_max_num_queries(16):
        text = observer.get(PAGE).text

    assert "T19, plan" in text


def test_a_map_of_fields_far_apart_is_of_the_whole_sky(observer, event):
    plan = make_done(event)
    first, second, third = plan.result["pointings"]
    moved = [first | {"ra": 200.0, "dec": 40.0}, second | {"ra": 179.9, "dec": -10.0}, third]
    Plan.objects.update(result=plan.result | {"pointings": moved})

    text = observer.get(f"{PAGE}{plan.pk}/").text

    assert "on the whole sky" in text
    assert text.count('class="field"') == 3


def keep(event, *told, status=Status.COMPLETED, group=None) -> None:
    rows = [replace(each, status=status) for each in told]
    keep_pointings(rows, source=Source.TABLE, event=event, group=group)


COVERED = [
    ({"others": ""}, set()),
    ({"others": "completed"}, {150.0, 151.0, 152.0}),
    ({"others": "completed", "deep_enough": "21.5"}, {151.0}),
    ({"others": "planned"}, {153.0}),
    ({"others": "both", "deep_enough": "21"}, {150.0, 151.0, 153.0}),
]


@pytest.mark.parametrize(("asked", "places"), COVERED)
def test_a_plan_leaves_out_what_others_covered_deep_enough(observer, event, asked, places):
    before = event.time - timedelta(hours=1)
    keep(
        event,
        pointings.told("a", ra=150.0),
        pointings.told("b", ra=151.0, depth=22.0),
        pointings.told("c", ra=152.0, depth=None),
        pointings.told("before", ra=154.0, time=before),
    )
    keep(event, pointings.told("d", ra=153.0), status=Status.PLANNED)
    keep(event, pointings.told("e", ra=155.0), group=Group.objects.create(name="Others"))

    answer = observer.post(PAGE, typed(**asked))

    assert answer.status_code == 302
    task = read_task(Plan.objects.get().task)
    assert {each["ra"] for each in task.covered} == places
    shape = {"kind": "circle", "radius_deg": 1.0}
    assert all(each["shape"] == shape for each in task.covered)


def test_the_fields_of_ones_own_group_are_left_out_for_its_members(observer, event):
    group = Group.objects.create(name="Ours")
    User.objects.get(username="vera").groups.add(group)
    keep(event, pointings.told("e", ra=155.0), group=group)

    observer.post(PAGE, typed(others="completed"))

    assert [each["ra"] for each in read_task(Plan.objects.get().task).covered] == [155.0]


def test_a_plan_around_a_real_camera_s_fields_is_made_and_checked(event):
    camera = find_instrument("ZTF")
    assert camera is not None
    skymap, telescope = make_map(), make_telescope()
    keep(event, pointings.told("a", ra=PLACE[0], dec=PLACE[1], shape=camera.shape))
    covered = tuple(covered_fields(Pointing.objects.all(), depth=None))
    wanted = Wanted(START, END, most=8, solver_seconds=0)

    alone = work_task(skymap, Task(telescope, wanted), tell=lambda _: None)
    done = work_task(skymap, Task(telescope, wanted, covered), tell=lambda _: None)

    assert done["faults"] == []
    assert done["covered"] > 0.3
    assert done["probability"] < alone["probability"] - 0.1


def test_more_fields_than_a_plan_can_leave_out_are_refused(observer, event):
    told = [pointings.told(str(at), ra=at / 2) for at in range(MOST_COVERED + 1)]
    keep(event, *told)

    answer = observer.post(PAGE, typed(others="completed"))

    assert answer.status_code == 422
    assert f"These are {MOST_COVERED + 1} fields" in answer.text
    assert not Plan.objects.exists()
