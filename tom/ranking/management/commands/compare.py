"""Compare strategies on past nights, before they are used."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tom.ranking.compared import MOST_NIGHTS, past_nights
from tom.ranking.yields import Judged, Trial, Yield, try_strategy
from tom.scoring.feedback import TRUTHS
from tom.strategies.models import Strategy


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
        moments = past_nights(timezone.now(), options["nights"])[::-1]
        for strategy in strategies:
            rng = np.random.default_rng(options["seed"])
            nights, trial = try_strategy(strategy, moments, labels, k=options["k"], rng=rng)
            self._tell_lists(strategy, nights, len(labels))
            if any(night.n_members for night in nights):
                self._tell(trial, options["k"])
            else:
                self.stdout.write("  no target was in it in any night: there are no figures")

    def _tell_lists(self, strategy: Strategy, nights: Sequence[Judged], n_typed: int) -> None:
        members = [night.n_members for night in nights]
        self.stdout.write(
            f"{strategy}: {len(members)} nights, {np.median(members):.0f} targets in the"
            f" median list, {n_typed} targets of known class"
        )

    def _tell(self, trial: Trial, k: int) -> None:
        self._tell_order("its own order", trial.best, k)
        self._tell_order("brightest first", trial.brightest, k)
        mean = trial.random
        self.stdout.write(
            f"  {'random order':16s} yield@{k} {mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]"
        )
        for name, gain in (("brightest first", trial.gain), ("random", trial.gain_over_random)):
            told = f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
            self.stdout.write(f"  more than {name}: {told}")

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
