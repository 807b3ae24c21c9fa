"""A ranking can be made again from what was known then, bit for bit, whatever came since."""

import json
import re
from datetime import timedelta, timezone
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from pytest_django import Settings

from tests.connections import WAIT_SECONDS, begin
from tests.factories import MERGER, make_event, make_group, make_program, make_target
from tom.candidates.services import match_event, match_targets
from tom.events.models import NonLocalizedEvent
from tom.ranking.history import fingerprints
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import (
    NotReproducibleError,
    newest_ranking,
    rank_event,
    ranking_as_of,
    recompute,
    unlike,
)
from tom.ranking.terms import star
from tom.scoring.judging import score_due
from tom.targets.models import LightCurvePoint, TargetSummary
from tom.targets.summary import refresh_summaries

pytestmark = pytest.mark.django_db


def kept(ranking: Ranking) -> list[tuple[object, ...]]:
    """What a ranking holds, in its order."""
    rows = RankedCandidate.objects.as_of(ranking).in_order()
    columns = ("candidate_id", "programs", "log_weight", "log_weight_low")
    return list(rows.values_list(*columns, "log_weight_high", "fingerprint", "terms"))


def made_again(ranking: Ranking) -> list[tuple[object, ...]]:
    """The same, from what was known at its moment."""
    case, posterior = recompute(ranking)
    rows = posterior.order().tolist()
    terms = [term.texts(rows) for term in posterior.terms]
    marks = fingerprints(posterior)
    return [
        (
            int(case.members[row]),
            list(case.audiences[row]),
            *(
                float(column[row])
                for column in (posterior.log_weight, posterior.low, posterior.high)
            ),
            int(marks[row]),
            [json.loads(texts[place]) for texts in terms],
        )
        for place, row in enumerate(rows)
    ]


def add_point(name: str, days: float, **fields: object) -> None:
    """Another detection of a target, so many days after the merger."""
    point = LightCurvePoint.objects.filter(target__name=name, kind="alert").first()
    assert point is not None
    point.pk, point.key, point.stored, point.xact = None, f"{name} {days}", None, None
    point.time = MERGER + timedelta(days=days)
    for field, value in fields.items():
        setattr(point, field, value)
    new = {f.attname: getattr(point, f.attname) for f in point._meta.fields}
    for generated in ("id", "stored", "xact"):
        new.pop(generated)
    LightCurvePoint.objects.create(**new)
    refresh_summaries([point.target_id])


def spoil_point(key: str) -> None:
    points = LightCurvePoint.objects.filter(key=key)
    points.update(flux_error=1e9)
    refresh_summaries([points.get().target_id])


def a_night(event: NonLocalizedEvent, group: Group) -> None:
    """Everything that moves a ranking, one after the other, each ranked."""
    private = make_program(2, group=group)
    for name, ra in (("a", 197.45), ("b", 199.0), ("c", 201.0)):
        make_target(name, ra=ra)
    match_event(event)
    changes = [
        lambda: score_due(most=100),
        lambda: TargetSummary.objects.filter(target__name="a").update(
            surroundings_time=MERGER, star_separation_arcsec=0.4, star_score=0.9
        ),
        lambda: add_point("b", -40.0),
        lambda: TargetSummary.objects.filter(target__name="c").update(
            host_distance_mpc=41.0, host_distance_error_mpc=3.0
        ),
        lambda: spoil_point("b -40.0"),
        lambda: add_point("a", 2.2, program=private),
        lambda: match_targets(TargetSummary.objects.values_list("pk", flat=True)),
        lambda: score_due(most=100),
        lambda: TargetSummary.objects.filter(target__name="a").update(
            solar_system_separation_arcsec=0.3
        ),
    ]
    rank_event(event)
    for change in changes:
        change()
        rank_event(event)


def test_every_ranking_of_a_night_is_made_again_bit_for_bit() -> None:
    event = make_event()
    a_night(event, make_group())

    rankings = list(event.rankings.order_by("pk"))

    assert len(rankings) >= 7
    for ranking in rankings:
        assert made_again(ranking) == kept(ranking)
    assert len({json.dumps(kept(ranking)) for ranking in rankings}) == len(rankings)


def test_a_ranking_stores_only_what_moved() -> None:
    event = make_event()
    a_night(event, make_group())

    newest = newest_ranking(event)
    assert newest is not None
    assert {place.candidate.target.name for place in newest.places.all()} == {"a"}
    assert len(kept(newest)) >= 3
    assert RankedCandidate.objects.filter(event=event).count() < sum(
        len(kept(ranking)) for ranking in event.rankings.all()
    )


def test_the_newest_places_are_those_that_pages_read() -> None:
    event = make_event()
    a_night(event, make_group())
    newest = newest_ranking(event)
    assert newest is not None

    rows = [row for row in kept(newest) if row[1] == []]
    shown = event.candidates.order_by("rank").values_list("pk", "log_weight")

    assert [(row[0], row[2]) for row in rows] == list(shown)


def test_what_stood_at_a_time_is_the_newest_ranking_before_it() -> None:
    event = make_event()
    a_night(event, make_group())
    first, second, *_ = event.rankings.order_by("pk")

    between = second.created - (second.created - first.created) / 2
    assert ranking_as_of(event, first.created - timedelta(seconds=1)) is None
    assert ranking_as_of(event, between) == first
    assert ranking_as_of(event, second.created) == second


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_was_about_to_store_was_not_known() -> None:
    event = make_event()
    make_target("a")
    with transaction.atomic():
        match_event(event)

    with transaction.atomic():
        TargetSummary.objects.update(
            surroundings_time=MERGER, star_separation_arcsec=0.4, star_score=0.9
        )
        ranking = begin(lambda: rank_event(event)).result(WAIT_SECONDS)

    assert ranking is not None
    assert made_again(ranking) == kept(ranking)
    assert rank_event(event) is not None


def test_a_ranking_goes_by_its_own_weights_not_by_the_present_ones(settings: Settings) -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    score_due(most=100)
    settings.SCORER_WEIGHTS = {"fast_transient": 0.5}
    ranking = rank_event(event)
    assert ranking is not None

    settings.SCORER_WEIGHTS = {"fast_transient": 0.0}
    settings.CANDIDATE_PRIOR = 0.4
    event.time = MERGER - timedelta(days=30)
    event.save()

    assert made_again(ranking) == kept(ranking)


def test_a_ranking_of_other_constants_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    ranking = rank_event(event)
    assert ranking is not None

    monkeypatch.setattr(star, "RADIUS_ARCSEC", 2.0)

    with pytest.raises(NotReproducibleError, match="other constants"):
        recompute(ranking)


def test_a_ranking_that_does_not_say_what_it_used_is_refused() -> None:
    event = make_event()
    ranking = Ranking(event=event, prior=0.01, basis={"weights": {}})

    with pytest.raises(NotReproducibleError, match="does not say everything that it used"):
        recompute(ranking)


def run(*arguments: str) -> str:
    """What the command says."""
    said = StringIO()
    call_command("rank", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_shows_the_list_as_it_stood() -> None:
    event = make_event("S261120ab")
    a_night(event, make_group())
    first = event.rankings.order_by("pk")[0]

    said = run("S261120ab", "--at", first.created.isoformat())

    names = re.findall(r"^ +\d+  (\w)", said, re.MULTILINE)
    places = RankedCandidate.objects.as_of(first).in_order()
    assert names == [place.candidate.target.name for place in places]
    assert "had no ranking at" in fails("S261120ab", "--at", "2001-01-01")
    assert "'yesterday' is no time" in fails("S261120ab", "--at", "yesterday")
    assert "no event 'S1'" in fails("S1")
    joined = make_event("E123456", alert_types=())
    NonLocalizedEvent.everything.filter(pk=joined.pk).update(joined_to=event)
    assert run("E123456") == run("S261120ab")


def test_the_command_reads_a_time_of_another_zone_and_tells_it_in_utc() -> None:
    event = make_event("S261120ab")
    a_night(event, make_group())
    first = event.rankings.order_by("pk")[0]
    here = timezone(timedelta(hours=5))

    said = run("S261120ab", "--at", first.created.astimezone(here).isoformat())
    early = fails("S261120ab", "--at", "2001-01-01T03:00:00+05:00")

    assert f"ranked {first.created:%Y-%m-%d %H:%M:%S} UTC" in said
    assert "no ranking at 2000-12-31 22:00:00 UTC" in early
    assert "is no time" in fails("S261120ab", "--at", "0001-01-01T00:00:00+05:00")
    assert "is no time" in fails("S261120ab", "--at", "2026-02-30")


def test_the_chances_of_the_command_add_up_to_one_and_are_those_of_everybody() -> None:
    event = make_event("S261120ab")
    make_target("a")
    make_target("secret", private=True)
    match_event(event)
    rank_event(event)

    said = run("S261120ab")

    chances = [float(each) for each in re.findall(r"^ +(?:1  a|none of these) +(\S+)", said, re.M)]
    assert len(chances) == 2
    assert sum(chances) == pytest.approx(1, abs=0.01)
    assert "secret" not in said


def test_the_command_tells_no_chance_as_certain() -> None:
    event = make_event("S261120ab")
    make_target("a")
    match_event(event)
    rank_event(event)
    RankedCandidate.objects.update(log_weight=30.0, log_weight_low=20.0, log_weight_high=40.0)

    said = run("S261120ab")

    assert re.search(r"1  a +> 0\.999  \(> 0\.999 to > 0\.999\)", said)


def fails(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


def test_the_command_names_the_ranking_that_differs() -> None:
    event = make_event("S261120ab")
    a_night(event, make_group())

    assert run("S261120ab", "--check", "4").count("the same, bit for bit") == 4

    of_b = RankedCandidate.objects.newest().filter(candidate__target__name="b")
    of_b.update(log_weight=F("log_weight") + 1e-6)
    with pytest.raises(SystemExit):
        run("S261120ab", "--check", "1")
    newest = newest_ranking(event)
    assert newest is not None
    assert unlike(newest) == 1
