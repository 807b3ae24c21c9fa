"""Rows that a join took away come back as its journal has them."""

import pytest

from tests import factories
from tom.candidates.models import CandidateStanding
from tom.joining.journal import restore, snapshot

pytestmark = pytest.mark.django_db


def test_a_standing_from_before_standings_named_their_event_comes_back_with_it() -> None:
    candidate = factories.make_candidate(factories.make_event())
    kept = CandidateStanding.objects.create(
        candidate=candidate, event_id=candidate.event_id, programs=[7], rank=3
    )
    name, key = CandidateStanding._meta.db_table, str(kept.pk)
    was = snapshot([candidate.target_id])[name, key]
    del was["event_id"]
    kept.delete()

    restore([[name, key, was, None]])

    back = CandidateStanding.objects.get()
    assert (back.event_id, back.programs, back.rank) == (candidate.event_id, [7], 3)
