"""What is known of an event's candidates, for each audience, weighed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Max
from django.db.models.functions import TruncHour

from tom.candidates.keeping import known_hosts
from tom.candidates.models import CandidateStanding, EventCandidate
from tom.candidates.services import rule_of
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.scoring.contract import Reason, ScorerSpec
from tom.scoring.curves import Key, Summary, key_of, name_of
from tom.scoring.fusion import Posterior, fuse
from tom.scoring.models import Score
from tom.scoring.runner import Abstention, Opinion, Outcome
from tom.scoring.services import scorers, window_start
from tom.scoring.terms import EarlierActivity, terms_of
from tom.sky import distance_overlap
from tom.targets.models import Audience, AudienceSummary, LightCurvePoint, TargetSummary

NOT_SCORED = "not scored yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """A candidate as one audience knows it: where it stands, and what is known of its target."""

    candidate: EventCandidate
    standing: EventCandidate | CandidateStanding
    summary: Summary

    @property
    def audience(self) -> Audience:
        return self.standing.audience

    @property
    def key(self) -> Key:
        return self.candidate.target_id, self.audience


def find_entries(event: NonLocalizedEvent) -> list[Entry]:
    """Every candidate of an event, once for each audience.

    By name, which says who is first of those alike: not by the order in which they came.
    """
    candidates = list(event.candidates.order_by("target__name"))
    public = TargetSummary.objects.in_bulk([row.target_id for row in candidates])
    narrower = {key_of(row): row for row in AudienceSummary.objects.filter(target__in=public)}
    entries = []
    standings: dict[int, list[CandidateStanding]] = defaultdict(list)
    for row in CandidateStanding.objects.filter(candidate__event=event).order_by("programs"):
        standings[row.candidate_id].append(row)
    for candidate in candidates:
        if candidate.is_public:
            entries.append(Entry(candidate, candidate, public[candidate.target_id]))
        for standing in standings[candidate.pk]:
            summary = narrower.get((candidate.target_id, standing.audience))
            standing.candidate = candidate
            if summary is not None:
                entries.append(Entry(candidate, standing, summary))
    return entries


def find_posteriors(event: NonLocalizedEvent, entries: Sequence[Entry]) -> list[Posterior]:
    """Weigh all evidence on each entry."""
    start = window_start(event, rule_of(event))
    earlier = _earlier_activity(entries, start)
    overlaps = _overlaps(chosen_localization(event), entries)
    opinions = _opinions(entries, start)
    return [
        fuse(
            settings.CANDIDATE_PRIOR,
            terms_of(
                entry.standing,
                entry.summary,
                earlier=earlier[entry.key],
                distance_overlap=overlaps.get(entry.key),
                opinions=opinions[entry.key],
                weights=settings.SCORER_WEIGHTS,
            ),
        )
        for entry in entries
    ]


def _opinions(
    entries: Sequence[Entry], since: datetime | None
) -> dict[Key, dict[ScorerSpec, Outcome]]:
    """The newest outcome of each scorer's present version, for each entry."""
    specs = [scorer.spec for scorer in scorers()]
    known = {f"{spec.name} {spec.version}": spec for spec in specs}
    found: dict[Key, dict[str, Outcome]] = defaultdict(dict)
    targets = {entry.candidate.target_id for entry in entries}
    rows = Score.objects.filter(target__in=targets, since=since).order_by("data_version", "pk")
    columns = ("target_id", "programs", "scorer", "version", "probability", "sigma", "reason")
    for score in rows.only(*columns):
        name = f"{score.scorer} {score.version}"
        if name in known:
            key = score.target_id, tuple(score.programs)
            found[key][name] = _outcome(score, known[name])
    return {
        entry.key: {
            spec: found[entry.key].get(
                f"{spec.name} {spec.version}",
                Abstention(name_of(entry.key), Reason.MISSING_INPUT, NOT_SCORED),
            )
            for spec in specs
        }
        for entry in entries
    }


def _outcome(score: Score, spec: ScorerSpec) -> Outcome:
    name = str(score.target_id)
    if score.probability is None or score.sigma is None:
        return Abstention(name, Reason.MISSING_INPUT, score.reason)
    # By name: PostgreSQL keeps a JSON object's keys in an order of its own.
    probability = tuple(float(score.probability[label]) for label in spec.classes)
    return Opinion(name, probability, score.sigma)


def _earlier_activity(
    entries: Sequence[Entry], start: datetime | None
) -> dict[Key, EarlierActivity]:
    """Positive 5 sigma epochs before the window, or only the survey's first sight before it."""
    if start is None:
        return {entry.key: EarlierActivity(None, None) for entry in entries}
    before = _epochs_before(entries, start)
    found = {}
    for entry in entries:
        epochs = [
            epoch
            for epoch in before[entry.candidate.target_id]
            if epoch.public or epoch.program in entry.audience
        ]
        found[entry.key] = _activity(entry.summary, epochs, start)
    return found


class Epoch(NamedTuple):
    """An hour in which a program saw something shine, and its newest moment."""

    program: int
    public: bool
    hour: datetime
    newest: datetime


def _epochs_before(entries: Sequence[Entry], start: datetime) -> dict[int, list[Epoch]]:
    points = LightCurvePoint.objects.filter(
        target__in={entry.candidate.target_id for entry in entries}, time__lt=start
    ).shown_to({program for entry in entries for program in entry.audience})
    strong = points.exclude(kind="limit").extra(where=["flux >= 5 * flux_error"])
    rows = (
        strong.values("target_id", "program_id", "program__public")
        .annotate(hour=TruncHour("time"))
        .annotate(newest=Max("time"))
    )
    found: dict[int, list[Epoch]] = defaultdict(list)
    for row in rows:
        epoch = Epoch(row["program_id"], row["program__public"], row["hour"], row["newest"])
        found[row["target_id"]].append(epoch)
    return found


def _activity(summary: Summary, ours: Sequence[Epoch], start: datetime) -> EarlierActivity:
    """Take our own epochs; where there are none, that the survey's first sight lies before.

    How often the survey saw something here (ZTF's `ndethist`) is no evidence: it counts raw
    detections down to 3 sigma, those of other programs and those after the merger too. The first
    of them (`jdstarthist`) is one such detection, whose time is known.
    """
    if ours:
        newest = max(epoch.newest for epoch in ours)
        return EarlierActivity(len({epoch.hour for epoch in ours}), _days(start - newest))
    if summary.first_seen is not None and summary.first_seen < start:
        return EarlierActivity(0, None, sight_age_days=_days(start - summary.first_seen))
    return EarlierActivity(0, None)


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86_400


def _overlaps(chosen: EventLocalization | None, entries: Sequence[Entry]) -> dict[Key, float]:
    """How well each host's distance fits the map's, where both are known."""
    hosts = known_hosts([entry.candidate.target_id for entry in entries])
    known = [entry for entry in entries if entry.candidate.target_id in hosts]
    if chosen is None or not known:
        return {}
    skymap = skymap_of(chosen.localization_id)
    if not skymap.is_3d:
        return {}
    distances = [hosts[entry.candidate.target_id] for entry in known]
    values = distance_overlap(
        skymap,
        np.array([entry.summary.healpix29 for entry in known], np.int64),
        distance_mpc=np.array([distance for distance, _ in distances], float),
        distance_sigma_mpc=np.array([error for _, error in distances], float),
        horizon_mpc=settings.HOST_HORIZON_MPC,
    )
    return {e.key: float(v) for e, v in zip(known, values, strict=True) if np.isfinite(v)}
