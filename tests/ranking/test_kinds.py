"""What a datum says depends on what kind of source a member is by its other data."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_event, make_target
from tests.ranking.one import col
from tests.ranking.test_terms import known
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking import kinds
from tom.ranking.curves import KINDS, usual_shares
from tom.ranking.models import Ranking
from tom.ranking.services import present_scorers, rank_event, unlike
from tom.ranking.terms import distance, earlier_activity, minor_planet, star
from tom.scoring.models import Score
from tom.scoring.services import window_start
from tom.strategies.services import strategy_of
from tom.targets.models import LightCurvePoint, TargetSummary

TERMS = (distance, star, earlier_activity, minor_planet)


def sure_of(kind: str) -> np.ndarray:
    """The chances of the kinds of a source that is surely of this one."""
    return np.array([[float(name == kind) for name in KINDS]])


def weigh_all(columns, order, before):
    """The sum of the log ratios of the terms in this order, and the chances of the kinds after."""
    total = 0.0
    for module in order:
        term, before = kinds.weigh(module, columns, before)
        total += term.log_lr[0]
    return total, before


surroundings = st.fixed_dictionaries(
    {
        "was_looked_up": st.just(1),
        "star_separation_arcsec": st.one_of(st.none(), st.floats(0, 3)),
        "star_score": st.floats(0, 1),
        "planet_separation_arcsec": st.one_of(st.none(), st.floats(0, 30)),
        "epochs": st.integers(0, 20),
        "epoch_age_days": st.floats(0, 500),
        "distance_overlap": st.one_of(st.none(), st.floats(0.02, 50)),
        "host_share": st.floats(0, 1),
        "elsewhere_overlap": st.floats(0.01, 2),
        "galaxy_light": st.one_of(st.none(), st.floats(0.1, 1e4)),
    }
)
shares = st.lists(st.floats(0.01, 1), min_size=len(KINDS), max_size=len(KINDS)).map(
    lambda values: np.array([values]) / sum(values)
)


@given(surroundings, shares)
def test_the_order_of_the_data_changes_nothing(about, before):
    one, after = weigh_all(known(**about), TERMS, before)
    other, after_other = weigh_all(known(**about), TERMS[::-1], before)

    assert one == pytest.approx(other)
    assert after == pytest.approx(after_other)
    assert after.sum() == pytest.approx(1)


@given(surroundings, shares)
def test_the_product_is_the_ratio_to_the_mixture_of_the_kinds(about, before):
    columns = known(**about)
    total, _ = weigh_all(columns, TERMS, before)

    mixture = (before * np.exp(kinds.surroundings(columns))).sum()

    assert total == pytest.approx(-math.log(mixture))


def test_a_star_on_the_spot_says_little_of_what_is_a_flare_anyway_and_makes_it_one():
    at_a_star = known(was_looked_up=1, star_separation_arcsec=0.2, star_score=0.98)

    for_flare, _ = kinds.weigh(star, at_a_star, sure_of("flare"))
    for_asteroid, _ = kinds.weigh(star, at_a_star, sure_of("asteroid"))
    _, after = kinds.weigh(star, at_a_star, usual_shares()[None])

    assert for_flare.log_lr[0] < math.log(0.01)
    assert abs(for_asteroid.log_lr[0]) < 1
    flare = list(KINDS).index("flare")
    assert after[0, flare] > 2 * usual_shares()[flare]


def test_what_is_dark_before_is_no_news_of_an_asteroid_and_some_of_a_variable():
    dark = known(epochs=0)

    of_asteroid, _ = kinds.weigh(earlier_activity, dark, sure_of("asteroid"))
    of_variable, _ = kinds.weigh(earlier_activity, dark, sure_of("variable"))

    assert of_asteroid.log_lr[0] == pytest.approx(0)
    assert of_variable.log_lr[0] == pytest.approx(math.log(10))


def test_what_is_missing_says_nothing_of_the_kinds():
    term, after = kinds.weigh(star, known(), usual_shares()[None])

    assert term.missing.all()
    assert term.log_lr[0] == 0
    assert (term.low < 0).all()
    assert (term.high > 0).all()
    assert after == pytest.approx(usual_shares()[None])


def test_a_scorer_of_reality_tells_artefacts_apart():
    usual, [none, bogus] = (
        usual_shares()[None],
        kinds.reality(col(None, -3.0), np.array([True, False])),
    )
    term, _ = kinds.weigh(star, known(was_looked_up=1), usual)

    said, after = kinds.given(term, bogus[None], usual)

    assert (none == 0).all()
    artefact = usual[0, kinds.ARTEFACT]
    assert said.log_lr[0] == pytest.approx(-math.log(1 - artefact + artefact * math.exp(3.0)))
    assert after[0, kinds.ARTEFACT] > 0.8


@pytest.mark.django_db
@pytest.mark.parametrize(("score", "likelier"), [(0.99, "flare"), (0.01, "slow")])
def test_a_list_fits_its_kinds_to_what_stands_around_its_sources(score, likelier) -> None:
    event = make_event()
    for at in range(40):
        make_target(f"t{at:02}")
    match_event(event)
    seen_once(event)
    TargetSummary.objects.update(
        surroundings_time=event.time, star_separation_arcsec=0.1, star_score=score
    )

    ranking = rank_event(event)

    shares = shares_of(ranking)
    assert shares[likelier] > 1.5 * KINDS[likelier].usual
    assert shares["asteroid"] < 0.6 * KINDS["asteroid"].usual
    assert unlike(ranking) == 0


@pytest.mark.django_db
def test_the_same_star_says_less_of_what_its_light_makes_a_kind_without_stars() -> None:
    event = make_event()
    for at in range(20):
        make_target(f"t{at:02}")
    match_event(event)
    seen_once(event, target__name__lt="t10")
    TargetSummary.objects.update(
        surroundings_time=event.time, star_separation_arcsec=0.1, star_score=0.99
    )

    ranking = rank_event(event)

    once, often = said_of(ranking, "star")
    assert often < once  # an outburst here; what is seen once may be an asteroid, too


@pytest.mark.django_db
def test_what_looks_bogus_counts_against_what_may_be_an_artefact_by_its_light() -> None:
    event = make_event()
    targets = [make_target(f"t{at:02}") for at in range(20)]
    match_event(event)
    seen_once(event, target__name__lt="t10")
    say_real(event, targets, 0.1)

    once, often = said_of(rank_event(event), "real_bogus")

    assert once < often - 0.3


@pytest.mark.django_db
@pytest.mark.parametrize(("real", "artefacts"), [(0.02, 0.8), (0.98, 0.1)])
def test_a_list_fits_its_share_of_artefacts_to_what_a_scorer_of_reality_says(
    real: float, artefacts: float
) -> None:
    """Asteroids and artefacts are both seen once: their light alone leaves the shares open."""
    event = make_event()
    targets = [make_target(f"t{at:02}") for at in range(100)]
    match_event(event)
    seen_once(event)
    say_real(event, targets, real)

    ranking = rank_event(event)

    assert shares_of(ranking)["artefact"] == pytest.approx(artefacts, abs=0.1)
    assert unlike(ranking) == 0


def shares_of(ranking: Ranking) -> dict[str, float]:
    return dict(zip(KINDS, ranking.basis["brightness"]["kinds"], strict=True))


def say_real(event: NonLocalizedEvent, targets: list[Any], chance: float) -> None:
    """Have the scorer of reality give all of these a chance to be real."""
    for target in targets:
        Score.objects.create(
            target=target,
            scorer="real_bogus",
            version=present_scorers()["real_bogus"],
            data_version=1,
            since=window_start(event, strategy_of(event)),
            probability={"real": chance, "bogus": 1 - chance},
            sigma=0.5,
        )


def said_of(ranking: Ranking, name: str) -> tuple[float, float]:
    """The log ratio by a term of all that were seen once, and of all others."""
    said: tuple[set[float], set[float]] = (set(), set())
    for place in ranking.places.all():
        term = next(term for term in place.read_terms() if term["name"].startswith(name))
        said[place.candidate.target.name >= "t10"].add(round(term["log_lr"], 6))
    (once,), (often,) = said
    return once, often


def seen_once(event: NonLocalizedEvent, **chosen: Any) -> None:
    """Keep of these targets the first detection since an event alone."""
    points = LightCurvePoint.objects.filter(**chosen)
    since = points.filter(time__gte=event.time, kind="alert").order_by("target", "time")
    first = list(since.distinct("target").values_list("pk", flat=True))
    points.exclude(pk__in=first).delete()
