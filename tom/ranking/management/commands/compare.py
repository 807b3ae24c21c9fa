"""Compare strategies on past nights, before they are used."""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tom.ranking.yields import Trial, Yield, try_strategy
from tom.scoring.feedback import typed_by_people, typed_by_spectra
from tom.strategies.models import Strategy

TRUTHS = {"spectra": typed_by_spectra, "people": typed_by_people}
MOST_NIGHTS = 60


class Command(BaseCommand):
    help = (
        "Make the lists of strategies without an event again as of past nights, and count how many"
        " of the first K turned out to be what is sought: beside the same targets brightest first"
        " and in random order. A strategy that is switched off can be tried, too. Nothing is kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("strategy", nargs="+", help="the name of a strategy without an event")
        parser.add_argument("--nights", type=int, default=14, metavar="N", help="14")
        parser.add_argument("-k", type=int, default=10, help="how many of a night's list: 10")
        parser.add_argument(
            "--truth",
            choices=sorted(TRUTHS),
            default="spectra",
            help="classes from spectra, or the reasons for which people rejected",
        )
        parser.add_argument("--seed", type=int, default=1, help="of the intervals")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["nights"] <= MOST_NIGHTS or options["k"] < 1:
            message = f"--nights must be 1 to {MOST_NIGHTS}, and -k 1 or more"
            raise CommandError(message)
        strategies = [_find(name) for name in options["strategy"]]
        labels = {pk: truth.label for pk, truth in TRUTHS[options["truth"]]().items()}
        moments = _nights(timezone.now(), options["nights"])
        for strategy in strategies:
            rng = np.random.default_rng(options["seed"])
            trial = try_strategy(strategy, moments, labels, k=options["k"], rng=rng)
            self._tell(trial, options["k"], len(labels))

    def _tell(self, trial: Trial, k: int, n_typed: int) -> None:
        members = [len(night.members) for night in trial.nights]
        self.stdout.write(
            f"{trial.strategy}: {len(members)} nights, {np.median(members):.0f} targets in the"
            f" median list, {n_typed} targets of known class"
        )
        self._tell_order("its own order", trial.best, k)
        self._tell_order("brightest first", trial.brightest, k)
        self.stdout.write(f"  {'random order':16s} yield@{k} {trial.random_per_night:.2f}")
        gain = trial.gain
        self.stdout.write(
            f"  more than brightest first: {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
        )

    def _tell_order(self, name: str, told: Yield, k: int) -> None:
        per = told.per_night
        self.stdout.write(
            f"  {name:16s} yield@{k} {per.value:.2f} [{per.low:.2f}, {per.high:.2f}] a night;"
            f" {told.found} found, {told.typed} of {told.shown} typed"
        )


def _find(name: str) -> Strategy:
    found = Strategy.objects.filter(kind="", name=name).first()
    if found is None:
        message = f"there is no list without an event of the name {name!r}"
        raise CommandError(message)
    return found


def _nights(now: datetime, n: int) -> list[datetime]:
    """The same hour of the last n days, the oldest first; today's is not over."""
    return [now - timedelta(days=day) for day in range(n, 0, -1)]
