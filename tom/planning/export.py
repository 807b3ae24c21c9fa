"""A checked plan in others' forms: JSON, CSV, and what the Treasure Map takes."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from tom.planning.models import Plan

COLUMNS = (
    *("number", "ra", "dec", "start", "end", "exposure_s", "band", "depth_ab"),
    *("position_angle_deg", "gain", "probability", "visit"),
)


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan with all that is needed to make it again: the task, and the map by its hash."""
    event = plan.event
    return {
        "event": event.event_id,
        "is_live": event.is_live,
        "test_reasons": event.test_reasons,
        "retracted": event.retracted,
        "map": {"name": plan.map_name, "sha256": plan.localization.sha256},
        "made": plan.finished.isoformat() if plan.finished else None,
        "task": plan.task,
        "plan": plan.result,
    }


def as_csv(plan: Plan) -> str:
    """Return a line for each pointing. Times are UTC, angles ICRS degrees."""
    telescope = plan.task["telescope"]
    fixed = {
        "exposure_s": telescope["exposure_s"],
        "depth_ab": telescope["depth"],
        "position_angle_deg": telescope["position_angle_deg"],
    }
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    usual = {"band": telescope["band"], "visit": 1}
    writer.writerows(usual | row | fixed for row in plan.result["pointings"])
    return written.getvalue()


def why_no_treasure_map(plan: Plan) -> str:
    """Say why a plan has no form for the Treasure Map; "": it has one.

    What that needs: https://treasuremap.space/documentation (POST /api/v1/pointings).
    """
    telescope, event = plan.task["telescope"], plan.event
    if event.retracted:
        return f"{event.event_id} is retracted"
    if event.test_reasons:
        return f"{event.event_id} is a test"
    lacking = [name for name in ("instrument", "band", "depth") if not telescope[name]]
    if "band" in lacking and plan.bands and all(plan.bands):
        lacking.remove("band")
    return f"the telescope has no {' and no '.join(lacking)}" if lacking else ""


def as_treasure_map(plan: Plan) -> dict[str, Any]:
    """Return the body that the Treasure Map takes, without the token: planned pointings."""
    telescope = plan.task["telescope"]
    half = timedelta(seconds=telescope["exposure_s"] / 2)
    return {
        "graceid": plan.event.public_name,
        "pointings": [
            {
                "ra": row["ra"],
                "dec": row["dec"],
                "instrumentid": telescope["instrument"],
                "time": f"{datetime.fromisoformat(row['start']) + half:%Y-%m-%dT%H:%M:%S}",
                "status": "planned",
                "depth": telescope["depth"],
                "depth_unit": "ab_mag",
                "band": row.get("band") or telescope["band"],
                "pos_angle": telescope["position_angle_deg"],
            }
            for row in plan.result["pointings"]
        ],
    }
