"""A pointing to start from."""

from datetime import timedelta

from tests.factories import MERGER
from tom.pointings.keeping import Told
from tom.pointings.models import Status
from tom.sky import circle


def told(external_id: str, **changes: object) -> Told:
    """A circle of 1 degree around AT2017gfo, an hour after the merger, 21 mag deep."""
    given = {
        "external_id": external_id,
        "facility": "La Silla",
        "instrument": "Eye",
        "shape": circle(1.0),
        "ra": 197.45,
        "dec": -23.38,
        "time": MERGER + timedelta(hours=1),
        "status": Status.COMPLETED,
        "band": "r",
        "depth": 21.0,
        "depth_unit": "ab_mag",
    }
    return Told(**{**given, **changes})
