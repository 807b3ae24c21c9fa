"""Visits in a plan's form, on its page and in its exports."""

import csv
import io

import pytest

from tests import factories
from tests.planning.nights import START
from tom.pipeline import make_plan
from tom.planning.export import as_csv, as_treasure_map
from tom.planning.models import Plan
from tom.planning.telescopes import TELESCOPES
from tom.planning.wanted import ONCE, Visits
from tom.web.plan_form import fields_of, form_of, read_plan_form

PAGE = "/events/S261120ab/plan/"


def typed(**changes: str) -> dict[str, str]:
    values = form_of(TELESCOPES[0], now=START).values
    return values | {"start": "2019-08-15 04:00", "end": "2019-08-15 10:00"} | changes


def test_without_a_word_each_field_is_visited_once():
    form = read_plan_form(typed(), covered=[], done=[])

    assert form.task is not None
    assert form.task.wanted.visits == ONCE


def test_visits_are_read_with_their_bands_and_minutes():
    asked = typed(visits="2", visits_apart="45", visit_bands="g, r", filter_change_s="20")

    form = read_plan_form(asked, covered=[], done=[])

    assert form.task is not None
    assert form.task.wanted.visits == Visits(2, 2700.0, ("g", "r"))
    assert form.task.telescope.filter_change_s == 20


WRONG = [
    ({"visits": "1.5"}, "visits", "Write a whole number."),
    ({"visits": "6"}, "visits", "from 1 to 5"),
    ({"visits": ""}, "visits", "Write a number."),
    ({"visits": "2", "visits_apart": "-1"}, "visits_apart", "from 0 to 720"),
    ({"visits": "3", "visits_apart": "180"}, "visits_apart", "3 visits take 360 minutes"),
    ({"visits": "2", "visit_bands": "g r i"}, "visit_bands", "Write 2 of them"),
    ({"visits": "2", "visit_bands": f"g {'x' * 21}"}, "visit_bands", "at most 20 characters"),
    ({"visits": "2", "visit_bands": "g \x07"}, "visit_bands", "at most 20 characters"),
    ({"visits": "2", "most": "1"}, "most", "at least 2 pointings"),
]


@pytest.mark.parametrize(("changes", "name", "said"), WRONG)
def test_wrong_visits_are_said_at_their_field(changes, name, said):
    form = read_plan_form(typed(**changes), covered=[], done=[])

    assert said in " ".join(form.errors[name])
    assert form.task is None


def test_a_span_that_ends_before_it_begins_is_no_fault_of_the_visits():
    for visits in ("1", "2"):
        asked = typed(visits=visits, end="2019-08-15 03:00")

        assert set(read_plan_form(asked, covered=[], done=[]).errors) == {"end"}


@pytest.mark.django_db
def test_what_is_typed_becomes_a_checked_plan_with_visits_in_every_form(client):
    factories.make_event("S261120ab")
    client.force_login(factories.make_observer("vera"))
    asked = typed(radius_deg="8", airmass_max="8", altitude_min_deg="0", search="0", most="4")
    asked |= {
        "visits": "2",
        "moon_separation_min_deg": "0",
        "visit_bands": "g r",
        "band": "",
        "visits_apart": "20",
    }

    asked |= {"start": "2019-04-15 02:00", "end": "2019-04-15 08:00"}  # the map is up then

    answer = client.post(PAGE, asked)
    make_plan(Plan.objects.get().pk)
    text = client.get(answer.headers["Location"]).text

    plan = Plan.objects.get()
    rows = list(csv.DictReader(io.StringIO(as_csv(plan))))
    assert (plan.state, plan.result["faults"]) == ("done", [])
    assert len(rows) == 4
    assert sorted(row["visit"] for row in rows) == sorted(["1", "2"] * (len(rows) // 2))
    assert {(row["visit"], row["band"]) for row in rows} == {("1", "g"), ("2", "r")}
    assert plan.bands == ["g", "r"]
    assert {row["band"] for row in as_treasure_map(plan)["pointings"]} == {"g", "r"}
    assert len(fields_of(plan)) == len(rows) // 2 == text.count('class="field"')
    for words in ("Visits of each field", "20 min apart", ">Treasure Map"):
        assert words in text.replace(">\n            Treasure Map", ">Treasure Map")
