"""3D levels of a million targets, ours and ligo.skymap's, each in a process of its own.

`python tests/bench/crossmatch.py ours|theirs MAP N` prints JSON. Theirs runs in an environment of
its own that uv makes, since ligo.skymap does not go with TOM Toolkit's pins.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PINNED: Final = ("ligo.skymap==2.5.4", "numpy==2.4.6", "astropy==8.0.2")
FARTHEST_MPC: Final = 120.0
LONGEST_SECONDS: Final = 900
SEED: Final = 1
TIMES: Final = 3  # the least counts: the pace of a shared machine is not that of the code


def compare(skymap: Path, n: int) -> dict[str, object]:
    """Measure both; where theirs cannot be installed, "absent" says why."""
    ours = _run([sys.executable], "ours", skymap, n)
    uv = [sys.executable, "-m", "uv", "run", "--no-project", "--quiet", "--python", sys.executable]
    try:
        theirs = _run([*uv, *(f"--with={each}" for each in PINNED), "python"], "theirs", skymap, n)
    except subprocess.SubprocessError as error:
        return {"ours": ours, "absent": str(getattr(error, "stderr", error))[-300:]}
    return {
        "targets": n,
        "ours": ours,
        "ligo_skymap": theirs,
        "times_as_fast_3d": round(theirs["seconds_3d"] / ours["seconds_3d"], 1),
        "share_of_memory": round(ours["memory_mb"] / theirs["memory_mb"], 3),
    }


def _run(python: list[str], whose: str, skymap: Path, n: int) -> dict[str, float]:
    done = subprocess.run(
        [*python, str(Path(__file__)), whose, str(skymap), str(n)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(whose: str, skymap: str, n: int) -> None:
    """Measure processor time and memory beyond what stood before."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    distance = rng.uniform(1, FARTHEST_MPC, n)
    measure = _ours if whose == "ours" else _theirs
    sys.stdout.write(json.dumps(measure(Path(skymap), ra, dec, distance)) + "\n")


def _ours(path: Path, ra: Any, dec: Any, distance: Any) -> dict[str, float]:
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from tom.sky import healpix29, levels_2d, levels_3d, read_skymap

    ids, data = healpix29(ra, dec), path.read_bytes()  # targets are stored with their ids
    _load_ours()
    before = _forget_peak()
    seconds_2d, _ = _least_seconds(lambda: data, lambda data: levels_2d(read_skymap(data), ids))
    seconds_3d, levels = _least_seconds(
        lambda: read_skymap(data),  # anew: it keeps its table of levels
        lambda skymap: levels_3d(skymap, ids, distance),
    )
    return {
        "seconds_2d": seconds_2d,
        "seconds_3d": seconds_3d,
        "memory_mb": round(_peak_mb() - before, 1),
        "mean_level_3d": round(float(np.nanmean(levels)), 4),
    }


def _load_ours() -> None:
    """Load what is loaded at the first call, by a map of twelve rows."""
    import numpy as np

    from tom.sky import build_skymap, levels_3d

    ones = np.ones(12)
    tiny = build_skymap(
        level=0 * ones, ipix=np.arange(12), probdensity=ones, distance=(ones, ones, ones)
    )
    levels_3d(tiny, [0], 1.0)


def _theirs(path: Path, ra: Any, dec: Any, distance: Any) -> dict[str, float]:
    import numpy as np
    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from ligo.skymap.io import read_sky_map
    from ligo.skymap.postprocess import crossmatch

    skymap = read_sky_map(str(path), moc=True, distances=True)
    flat = SkyCoord(ra * u.deg, dec * u.deg)
    deep = SkyCoord(ra * u.deg, dec * u.deg, distance * u.Mpc)
    crossmatch(skymap, flat[:10])  # what is loaded at the first call; its 3D needs its memory anew
    before = _forget_peak()
    seconds_2d, _ = _least_seconds(lambda: flat, lambda places: crossmatch(skymap, places))
    seconds_3d, found = _least_seconds(lambda: deep, lambda places: crossmatch(skymap, places))
    levels = found.searched_prob_vol
    return {
        "seconds_2d": seconds_2d,
        "seconds_3d": seconds_3d,
        "memory_mb": round(_peak_mb() - before, 1),
        "mean_level_3d": round(float(np.nanmean(levels)), 4),
    }


def _least_seconds(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> tuple[float, Any]:
    """The least processor time of some calls of `work`, and what the last one returned.

    Each gets what `prepare` makes, whose time does not count.
    """
    spent = []
    for _ in range(TIMES):
        given = prepare()
        began = time.process_time()
        returned = work(given)
        spent.append(time.process_time() - began)
    return round(min(spent), 3), returned


def _forget_peak() -> float:
    """Let the peak of the resident memory begin anew; return the memory now, MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak_mb()


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) / 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
