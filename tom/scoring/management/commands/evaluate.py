"""Measure a scorer on labelled light curves, beside the baseline and another scorer."""

import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tom.records.redshift import RedshiftSource
from tom.scoring.card import InvalidCardError
from tom.scoring.contract import InvalidSpecError, Scorer
from tom.scoring.evaluation.columns import WrongFileError
from tom.scoring.evaluation.evaluating import Objects, compare_answers, evaluate, read_objects
from tom.scoring.evaluation.judging import Limits
from tom.scoring.evaluation.splitting import SPLITS
from tom.scoring.evaluation.telling import as_json, as_text, comparison, is_accepted
from tom.scoring.host import ScorerDiedError
from tom.scoring.registry import ScorerLoadError, find_scorers
from tom.scoring.services import scorer_paths

FIGURES = ("macro_f1", "accuracy", "log_loss", "ece", "auc_ia")


class Command(BaseCommand):
    help = (
        "Measure an installed scorer (its name, or the dotted path of its class) on labelled light"
        " curves: figures with intervals, by class, magnitude and epoch, beside the baseline. With"
        " --against SCORER exit 1 if it is not better than the other one."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scorer", help="a scorer's name, or the dotted path of its class")
        parser.add_argument("--lightcurves", type=Path, required=True, help="points, in parquet")
        parser.add_argument("--labels", type=Path, required=True, help="labels, in parquet")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")
        parser.add_argument("--against", metavar="SCORER", help="the scorer to be better than")
        parser.add_argument(
            "--figure", choices=FIGURES, default="macro_f1", help="by which a change is accepted"
        )
        parser.add_argument(
            "--split",
            choices=SPLITS,
            default="auto",
            help="shipped: as it is; object: fit again in 5 folds; time: on the latest quarter",
        )
        parser.add_argument(
            "--sought",
            metavar="CLASS",
            nargs="+",
            default=[],
            help="classes of the scorer: measure a list that seeks these, beside brightest-first",
        )
        parser.add_argument("--label-column", help="the column of the labels")
        parser.add_argument(
            "--redshift-source",
            choices=list(filter(None, RedshiftSource)),
            default=RedshiftSource.UNKNOWN,
            help="what the redshifts of the labels were measured on; else none is given",
        )
        parser.add_argument("--zero-point", type=float, help="the AB magnitude of a flux of 1")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = Limits(settings.SCORER_MEMORY_MB, settings.SCORER_PATIENCE_SECONDS)
        try:
            objects = read_objects(
                options["lightcurves"],
                options["labels"],
                column=options["label_column"],
                zero_point=options["zero_point"],
                source=RedshiftSource(options["redshift_source"]),
            )
            report, gains = self._measure(objects, limits, options)
        except (WrongFileError, ScorerLoadError, InvalidCardError, InvalidSpecError) as error:
            raise CommandError(str(error)) from error
        except ScorerDiedError as error:
            message = f"the scorer gave no answer: {error}"
            raise CommandError(message) from error
        self._tell(report, gains, options)

    def _measure(
        self, objects: Objects, limits: Limits, options: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        path, scorer = _scorer(options["scorer"])
        measure = partial(
            evaluate,
            objects=objects,
            how=options["split"],
            limits=limits,
            tell=self._tell_progress,
        )
        report, answers = measure(scorer, path, sought=options["sought"])
        if options["against"] is None:
            return report, None
        other_path, other = _scorer(options["against"])
        _, others = measure(other, other_path)
        last = float("inf")
        gains = compare_answers(scorer, other, objects, (answers[last], others[last]))
        if options["figure"] not in gains:
            message = (
                f"{options['figure']!r} is not measured: choose of {', '.join(list(gains)[2:])}"
            )
            raise CommandError(message)
        return report, gains

    def _tell_progress(self, line: str) -> None:
        self.stderr.write(line, self.style.SUCCESS)  # it is no error

    def _tell(
        self, report: dict[str, Any], gains: dict[str, Any] | None, options: dict[str, Any]
    ) -> None:
        accepted = gains is None or is_accepted(gains, figure=options["figure"])
        if gains is not None:
            report["comparison"] = gains | {"accepted": accepted, "figure": options["figure"]}
        if options["json"]:
            self.stdout.write(as_json(report))
        else:
            self.stdout.write(as_text(report))
        if gains is not None and not options["json"]:
            self.stdout.write("\n" + comparison(gains, figure=options["figure"]))
        if not accepted:
            sys.exit(1)


def _scorer(name: str) -> tuple[str, Scorer]:
    """Find a scorer by its name among those installed, or by the path of its class."""
    installed = scorer_paths()
    for path, scorer in installed.items():
        if name in {scorer.spec.name, path}:
            return path, scorer
    if "." not in name:
        there = ", ".join(scorer.spec.name for scorer in installed.values())
        message = f"no scorer {name!r} is installed: there is {there}"
        raise CommandError(message)
    found = find_scorers([name])
    return name, found[name]
