"""`make fuzz`: 100,000 damaged messages through every parser; prints JSON, fails at a fault."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
MOST_MB = 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    django.setup()
    from tests.conftest import REAL_DATA
    from tests.fuzz.running import fuzz, fuzz_huge, keep_faults
    from tests.fuzz.samples import all_samples

    samples = all_samples(REAL_DATA)
    found = fuzz(samples, messages=given.messages, seed=given.seed)
    huge = fuzz_huge(samples, messages=given.messages // 300, seed=given.seed)
    found.add(huge)
    folder = Path(tempfile.gettempdir()) / "counterpart-fuzz"
    keep_faults(found, folder)
    told = {
        "messages": sum(found.read.values()) + sum(found.refused.values()) + found.n_faults,
        "read": dict(found.read),
        "refused": dict(found.refused),
        "triggers": dict(found.triggers),
        "slowest_s": round(found.slowest, 3),
        "peak_mb": round(found.peak_mb),
        "faults": [f"{name}: {why}" for (name, _), (why, _) in found.faults.items()],
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 1 if found.faults or found.peak_mb > MOST_MB else 0


if __name__ == "__main__":
    sys.exit(main())
