"""The list of an event whose map has no distances: nothing in it pretends to know one."""

import re

import pytest
from django.test import Client

from tests import factories
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event
from tom.events.models import EventKind
from tom.ranking.services import rank_event, unlike
from tom.scoring.judging import score_due
from tom.strategies.models import Strategy

pytestmark = pytest.mark.django_db
TOLD = {"gw": "S261120ab", "grb": "GRB261120A", "neutrino": "IC261120A"}


@pytest.mark.parametrize("kind", [EventKind.GW, EventKind.GRB, EventKind.NEUTRINO])
def test_a_map_without_distances_is_the_reason_and_no_redshift_would_help(
    client: Client, kind: str
) -> None:
    client.force_login(factories.make_observer("vera"))
    Strategy.objects.filter(kind=kind).delete()  # the first one for neutrinos weighs no distance
    event = factories.make_event(TOLD[kind], kind=kind, distance_mpc=None)
    target = factories.make_target("ZTF26a")
    match_event(event)
    score_due(most=100)
    ranking = rank_event(event)
    assert ranking is not None
    candidate = EventCandidate.objects.get(target=target)

    terms = {term["name"]: term for term in ranking.places.get(candidate=candidate).read_terms()}
    text = " ".join(client.get(f"/events/{TOLD[kind]}/?order=decide").text.split())
    told = re.findall(r"([^<>]+) could make it", text)

    for name in ("distance", "brightness"):
        assert terms[name]["missing"]
        assert terms[name]["log_lr"] == 0
        assert terms[name]["reason"] == "the map has no distance here"
    assert "Mpc" not in " ".join(term["reason"] for term in terms.values())
    assert "Mpc" not in " ".join(piece[2] for piece in ranking.basis["expected"]["pieces"])
    assert len(told) == 1
    assert ("a map with distances" in told[0]) == (kind == "gw")
    assert "redshift" not in told[0]
    assert "magnitude" not in told[0]
    assert unlike(ranking) == 0
