"""List the catalogues of galaxies, or load one: GLADE+ from its package, or a team's own CSV."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from tom.candidates.hosts import note_catalogues
from tom.galaxies.loading import Loaded, load_catalogue
from tom.galaxies.mapping import BadMappingError, read_mapping
from tom.galaxies.models import Catalogue
from tom.galaxies.reading import BadCatalogueError
from tom.galaxies.shipped import MAPPING, PACKAGE, NoTableError, shipped_table

PROGRESS_ROWS = 100_000
# The candidates of events so young get their hosts anew.
RANKED_ANEW = timedelta(days=30)


class Command(BaseCommand):
    help = "List the catalogues of galaxies, or load one: GLADE+, or a CSV of your own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=["list", "load"], default="list")
        parser.add_argument("file", nargs="?", type=Path, help="a CSV, plain or gzipped")
        parser.add_argument(
            "--mapping", type=Path, help="a TOML that says what the CSV's columns are"
        )

    def handle(
        self, *args: Any, action: str, file: Path | None, mapping: Path | None, **options: Any
    ) -> None:
        if action == "list":
            self._list()
            return
        if (file is None) != (mapping is None):
            msg = "a file of your own needs --mapping FILE.toml, and a mapping needs a file"
            raise CommandError(msg)
        try:
            loaded = self._load(file, mapping)
        except (BadMappingError, BadCatalogueError, NoTableError) as error:
            raise CommandError(str(error)) from error
        self._tell(loaded)

    def _load(self, file: Path | None, mapping: Path | None) -> Loaded:
        if file is not None and mapping is not None:
            return load_catalogue(file, read_mapping(mapping), progress=self._progress)
        self.stdout.write(f"GLADE+ from the package {PACKAGE} (83 MB, if it is not installed)")
        with shipped_table() as table:
            return load_catalogue(table, read_mapping(MAPPING), progress=self._progress)

    def _progress(self, n_galaxies: int) -> None:
        if n_galaxies % PROGRESS_ROWS < 20_000:  # about every hundred thousand
            self.stdout.write(f"  {n_galaxies} galaxies")

    def _tell(self, loaded: Loaded) -> None:
        catalogue = loaded.catalogue
        if not loaded.is_new:
            self.stdout.write(f"{catalogue} is loaded already: {catalogue.n_galaxies} galaxies")
            return
        self.stdout.write(f"{catalogue}: {catalogue.n_galaxies} galaxies loaded")
        for line in loaded.refused.told():
            self.stdout.write(f"  refused: {line}")
        self.stdout.write(f"Licence: {catalogue.licence}\nCite: {catalogue.citation}")
        n_events = note_catalogues(since=timezone.now() - RANKED_ANEW)
        if n_events:
            self.stdout.write(f"The hosts of {n_events} events' candidates are searched anew.")

    def _list(self) -> None:
        catalogues = Catalogue.objects.order_by("name")
        for one in catalogues:
            self.stdout.write(
                f"{one}: {one.n_galaxies} galaxies, loaded {one.loaded:%Y-%m-%d %H:%M} UTC"
                f"\n  Licence: {one.licence}\n  Cite: {one.citation}"
            )
        if not catalogues:
            self.stdout.write("No catalogue is loaded: manage.py galaxies load brings GLADE+.")
