"""Plans of a night for a map of 10,000 deg2 and for a small one: seconds, probability, bound."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.measure import timed
from tests.conftest import REAL_DATA
from tom.planning.checking import check_schedule
from tom.planning.schedule import Wanted, plan_night
from tom.planning.telescopes import TELESCOPES
from tom.sky import SkyMap, read_skymap

WIDE = "S190425z_G330561_bayestar_nside256_nested.fits.gz"
SMALL = "S190814bv_LALInference.v1_nside1024_nested.fits.gz"
APRIL, AUGUST = datetime(2019, 4, 26, 3, 30, tzinfo=UTC), datetime(2019, 8, 15, 3, tzinfo=UTC)
# The map, the telescope, when the night begins, and how many pointings at most.
SCENES = {
    "S190425z, ZTF, a night": (WIDE, "ZTF", APRIL, None),
    "S190425z, ZTF, 60 pointings": (WIDE, "ZTF", APRIL, 60),
    "S190425z, DECam, a night": (WIDE, "DECam", APRIL.replace(hour=0), None),
    "S190814bv, DECam, 10 pointings": (SMALL, "DECam", AUGUST, 10),
}
HOURS = 8


def measure_plans(*, seconds: float, data: Path = REAL_DATA) -> dict[str, object]:
    """Plan real events' nights by the greedy method alone, and with HiGHS for some seconds."""
    if not data.exists():
        return {"left_out": f"no real data in {data}"}
    found: dict[str, object] = {}
    for name, (file, telescope, start, most) in SCENES.items():
        skymap = read_skymap((data / "gw/maps" / file).read_bytes())
        wanted = Wanted(start, start + timedelta(hours=HOURS), most=most, solver_seconds=seconds)
        found[name] = _measure(skymap, telescope, wanted)
    return found


def _measure(skymap: SkyMap, name: str, wanted: Wanted) -> dict[str, object]:
    telescope = next(each for each in TELESCOPES if each.name == name)
    with timed() as quick:
        greedy = plan_night(skymap, telescope, replace(wanted, solver_seconds=0))
    with timed() as slow:
        best = plan_night(skymap, telescope, wanted)
    with timed() as checked:
        faults = check_schedule(
            best, skymap, telescope, start=wanted.start, end=wanted.end, most=wanted.most
        )
    return {
        "rows": skymap.n,
        "fields": best.fields,
        "pointings": len(best.pointings),
        "greedy_seconds": round(quick.seconds, 2),
        "greedy_probability": round(greedy.probability, 4),
        "greedy_more_possible": round(greedy.more_possible, 4),
        "programme_seconds": round(slow.seconds, 2),
        "probability": round(best.probability, 4),
        "more_possible": round(best.more_possible, 4),
        "by": best.by,
        "check_seconds": round(checked.seconds, 2),
        "faults": faults,
    }
