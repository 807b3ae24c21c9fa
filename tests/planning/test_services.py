"""Plans as rows: made once by a worker, and never left behind."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from tests.planning.nights import END, START, make_telescope
from tom.events.localizations import chosen_localization
from tom.pipeline import make_plan
from tom.planning import services
from tom.planning.export import as_csv, as_json, as_treasure_map, why_no_treasure_map
from tom.planning.models import Plan
from tom.planning.plain import Task
from tom.planning.schedule import Wanted

pytestmark = pytest.mark.django_db
# Where the factories' map is, in a night in which it is up.
BIG = {"shape": {"kind": "circle", "radius_deg": 8.0}, "airmass_max": 8.0}


def ask(event=None, **figures) -> Plan:
    event = event or factories.make_event()
    use = chosen_localization(event)
    assert use is not None
    task = Task(make_telescope(**(BIG | figures)), Wanted(START, END, most=3, solver_seconds=0))
    return services.make_plan(event, use, task, form={}, by=factories.make_observer())


def test_a_plan_is_made_once():
    plan = ask()

    make_plan(plan.pk)
    plan.refresh_from_db()
    first = plan.finished
    make_plan(plan.pk)
    plan.refresh_from_db()

    assert (plan.state, plan.reason) == ("done", "")
    assert plan.result["faults"] == []
    assert plan.finished == first


def test_a_plan_that_takes_too_long_has_failed(settings):
    settings.PLAN_SECONDS = 0.2
    plan = ask()

    make_plan(plan.pk)
    plan.refresh_from_db()

    assert plan.state == "failed"
    assert plan.reason == "it took longer than 0.2 s"


def test_a_plan_whose_worker_was_killed_has_failed(settings):
    waiting, broken, fresh = ask(), ask(), ask()
    begun = timezone.now() - timedelta(seconds=2 * settings.PLAN_SECONDS + 1)
    Plan.objects.filter(pk=broken.pk).update(state="working", begun=begun)
    Plan.objects.filter(pk=fresh.pk).update(state="working", begun=timezone.now())

    due = services.due_plans()

    assert due == [waiting.pk]
    states = dict(Plan.objects.values_list("pk", "state"))
    assert states == {waiting.pk: "waiting", broken.pk: "failed", fresh.pk: "working"}


def test_what_the_check_refuses_is_refused(monkeypatch):
    plan = ask()
    faults = {"pointings": [], "faults": ["Pointing 1 is too low."]}
    monkeypatch.setattr(services, "work_apart", lambda *_, **__: faults)

    services.work_plan(plan.pk)
    plan.refresh_from_db()

    assert plan.state == "refused"


def done(event=None, **figures) -> Plan:
    plan = ask(event, **figures)
    row = {
        "number": 1, "field": 4, "ra": 12.5, "dec": -25.0, "start": "2019-08-15T05:00:00+00:00",
        "end": "2019-08-15T05:01:00+00:00", "gain": 0.5, "probability": 0.5,
    }  # fmt: skip
    Plan.objects.filter(pk=plan.pk).update(state="done", result={"pointings": [row]})
    return Plan.objects.select_related("event", "localization").get(pk=plan.pk)


def test_the_treasure_map_gets_the_middle_of_each_exposure():
    plan = done()
    plan.event.event_id = "HAND-GRB190815Z"

    body = as_treasure_map(plan)

    assert why_no_treasure_map(plan) == ""
    assert body == {
        "graceid": "GRB190815Z",
        "pointings": [
            {
                "ra": 12.5, "dec": -25.0, "instrumentid": "WIDE", "time": "2019-08-15T05:00:30",
                "status": "planned", "depth": 22.0, "depth_unit": "ab_mag", "band": "r",
                "pos_angle": 0.0,
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "figures", "why"),
    [
        ({"test_reasons": ["its id says so"]}, {}, "is a test"),
        ({"retracted": True}, {}, "is retracted"),
        ({}, {"band": "", "instrument": ""}, "the telescope has no instrument and no band"),
        ({}, {"depth": float("nan")}, "the telescope has no depth"),
    ],
)
def test_nothing_for_the_treasure_map_but_of_a_live_event_and_complete(event, figures, why):
    plan = done(factories.make_event(**event), **figures)

    assert why in why_no_treasure_map(plan)


def test_the_csv_has_a_line_for_each_pointing():
    lines = as_csv(done()).splitlines()

    assert lines[0].startswith("number,ra,dec,start,end,exposure_s,band")
    assert lines[1].startswith("1,12.5,-25.0,2019-08-15T05:00:00+00:00,")
    assert len(lines) == 2


def test_the_json_names_the_map_and_says_what_kind_of_event_it_is():
    plan = done(factories.make_event(test_reasons=["its id says so"]))

    told = as_json(plan)

    assert told["map"]["sha256"] == plan.localization.sha256
    assert (told["is_live"], told["test_reasons"]) == (False, ["its id says so"])
    assert told["task"]["telescope"]["name"] == "Wide"
