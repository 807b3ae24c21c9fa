"""Verdicts: every one is kept, the newest that stands shows, one's last one can be taken back."""

import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from tests.factories import make_candidate, make_event, make_observer, make_target
from tom.candidates.models import EventCandidate, Verdict, VerdictReason, Vetting
from tom.candidates.verdicts import give_verdict, undo_last_verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidate() -> EventCandidate:
    return make_candidate(make_event())


def test_two_peoples_verdicts_are_both_kept_and_the_newest_shows(candidate: EventCandidate) -> None:
    vera, ed = make_observer("vera"), make_observer("ed")

    give_verdict(candidate, Vetting.PROMISING, by=vera)
    give_verdict(candidate, Vetting.REJECTED, by=ed, reason=VerdictReason.MOVING, note="2004 AB")

    candidate.refresh_from_db()
    standing = {row.by: (row.verdict, row.why) for row in Verdict.objects.standing()}
    assert standing == {vera: ("promising", ""), ed: ("rejected", "Minor planet: 2004 AB")}
    assert (candidate.vetting, candidate.vetted_by) == ("rejected", ed)


def test_undoing_takes_back_ones_own_last_verdict_wherever_it_was(
    candidate: EventCandidate,
) -> None:
    vera, ed = make_observer("vera"), make_observer("ed")
    other = make_candidate(make_event())
    give_verdict(candidate, Vetting.WATCHING, by=vera)
    give_verdict(candidate, Vetting.REJECTED, by=vera)
    give_verdict(other, Vetting.REJECTED, by=ed)

    undone = [undo_last_verdict(vera) for _ in range(3)]

    candidate.refresh_from_db()
    other.refresh_from_db()
    assert [row and row.verdict for row in undone] == ["rejected", "watching", None]
    assert (candidate.vetting, candidate.vetted_by, candidate.vetted) == ("new", None, None)
    assert other.vetting == "rejected"
    assert Verdict.objects.filter(candidate=candidate).count() == 4


def test_a_verdict_taken_back_lets_the_other_persons_show_again(candidate: EventCandidate) -> None:
    vera, ed = make_observer("vera"), make_observer("ed")
    give_verdict(candidate, Vetting.PROMISING, by=vera)
    give_verdict(candidate, Vetting.REJECTED, by=ed)

    undo_last_verdict(ed)

    candidate.refresh_from_db()
    assert (candidate.vetting, candidate.vetted_by) == ("promising", vera)


def test_a_verdict_sent_twice_is_one(candidate: EventCandidate) -> None:
    key, vera = uuid.uuid4(), make_observer("vera")

    for _ in range(2):
        give_verdict(candidate, Vetting.REJECTED, by=vera, key=key)

    assert Verdict.objects.count() == 1


def test_what_one_may_no_longer_see_is_not_taken_back() -> None:
    vera = make_observer("vera")
    hidden = make_candidate(make_event(), make_target(private=True))
    give_verdict(hidden, Vetting.REJECTED, by=vera)

    assert undo_last_verdict(vera) is None


def test_what_candidates_showed_before_becomes_their_first_verdict() -> None:
    vera, event, when = make_observer("vera"), make_event(), timezone.now() - timedelta(days=3)
    said = make_candidate(event, vetting="rejected", vetted_by=vera, vetted=when)
    make_candidate(event, vetting="new", vetted_by=vera, vetted=when, rank=2)

    import_module("tom.candidates.migrations.0004_first_verdicts").keep_verdicts(apps, None)

    row = Verdict.objects.get()
    assert (row.candidate, row.verdict, row.by, row.created) == (said, "rejected", vera, when)
