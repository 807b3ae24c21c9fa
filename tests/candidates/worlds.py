"""Made worlds: events of every kind and state, and targets of every kind about their maps."""

from datetime import timedelta

import numpy as np
from tom_targets.base_models import BaseTarget

from tests.factories import MERGER, make_event, make_localization, make_target
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.sky import healpix29
from tom.strategies.models import Strategy
from tom.strategies.services import WINDOWS
from tom.targets.models import AudienceSummary, TargetSummary

# Two places of the sky, far apart.
PLACES = ((197.45, -23.38), (20.0, 60.0))
PLACED = ("healpix29", "first_detection", "last_detection")


def fill_world(rng: np.random.Generator, *, events: int = 10, targets: int = 20) -> list[int]:
    """Write a world; return the keys of its targets."""
    for kind, (before, after) in WINDOWS.items():
        Strategy.objects.update_or_create(
            kind=kind,
            defaults={
                "name": kind,
                "days_before": before,
                "days_after": after,
                "level_stored": float(rng.choice([0.5, 0.9, 0.99])),
                "level_shown": 0.4,
            },
        )
    for _ in range(events):
        add_event(rng)
    return [add_target(rng).pk for _ in range(targets)]


def add_event(rng: np.random.Generator) -> NonLocalizedEvent:
    """An event with none to three maps, of which one may be set aside, and one pinned."""
    time = MERGER + timedelta(days=float(rng.uniform(-40, 3)))
    event = make_event(
        alert_types=(),
        kind=str(rng.choice(list(WINDOWS))),
        time=None if rng.random() < 0.2 else time,
        retracted=rng.random() < 0.15,
        test_reasons=["a test topic"] if rng.random() < 0.3 else [],
    )
    uses = [add_map(rng, event) for _ in range(rng.integers(0, 4))]
    if uses and rng.random() < 0.4:
        event.pinned = uses[rng.integers(len(uses))]
        event.save()
    return event


def add_map(rng: np.random.Generator, event: NonLocalizedEvent) -> EventLocalization:
    ra, dec = PLACES[rng.integers(len(PLACES))]
    return EventLocalization.objects.create(
        event=event,
        localization=make_localization(ra=ra, dec=dec, sigma_deg=float(rng.uniform(1, 8))),
        author=str(rng.choice(["bayestar", "Bilby"])),
        product=str(rng.choice(["skymap", "skymap", "skymap", "combined_skymap"])),
        # Of two at one time always the same is the newer.
        time=MERGER + timedelta(days=int(rng.integers(-3, 4))),
        set_aside=rng.random() < 0.2,
    )


def add_target(rng: np.random.Generator) -> BaseTarget:
    """A target with public points, with none that are public, or with no detection at all."""
    ra, dec = PLACES[rng.integers(len(PLACES))]
    target = make_target(ra=ra, dec=dec, points=0)
    summary = TargetSummary.objects.filter(target=target)
    summary.update(**placed(rng, ra=ra, dec=dec), is_test=rng.random() < 0.3)
    if rng.random() < 0.4:
        summary.update(host_distance_mpc=40.0, host_distance_error_mpc=4.0)
    for programs in ([1], [1, 2]):
        if rng.random() < 0.3:
            AudienceSummary.objects.create(
                target=target, programs=programs, **placed(rng, ra=ra, dec=dec)
            )
    return target


def placed(rng: np.random.Generator, *, ra: float, dec: float) -> dict[str, object]:
    """A place within some degrees, and times about those of the events; None: not detected."""
    ra, dec = ra + float(rng.normal(0, 6)), dec + float(rng.normal(0, 6))
    first = MERGER + timedelta(days=float(rng.uniform(-30, 5)))
    last = first + timedelta(days=float(rng.exponential(10)))
    times = (None, None) if rng.random() < 0.15 else (first, last)
    return dict(zip(PLACED, (int(healpix29(ra % 360, dec)), *times), strict=True))


def move_world(rng: np.random.Generator) -> None:
    """Let maps come, be pinned and set aside, events be retracted, and targets be placed again."""
    for event in NonLocalizedEvent.objects.all():
        if rng.random() < 0.4:
            add_map(rng, event)
        if rng.random() < 0.3:
            event.pinned = None if event.pinned else event.localizations.first()
        event.retracted = rng.random() < 0.15
        event.save()
    for model in (TargetSummary, AudienceSummary):
        for row in model.objects.all():
            if rng.random() < 0.3:
                ra, dec = PLACES[rng.integers(len(PLACES))]
                model.objects.filter(pk=row.pk).update(**placed(rng, ra=ra, dec=dec))
