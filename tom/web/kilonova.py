"""The light curve of AT2017gfo, to compare others with."""

from typing import Any

from tom.sky.at2017gfo import CURVES, DISTANCE_MPC, NAME


def kilonova_data() -> dict[str, Any]:
    """Return the light curve as the plot's script reads it; distances in Mpc."""
    return {
        "name": NAME,
        "distance_mpc": DISTANCE_MPC,
        "series": [
            {
                "band": band,
                "days": [day for day, _ in curve],
                "magnitude": [magnitude for _, magnitude in curve],
            }
            for band, curve in CURVES.items()
        ],
    }
