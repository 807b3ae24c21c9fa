"""The light curve of AT2017gfo, to compare others with.

Observed AB magnitudes, not dereddened, at the nights with several telescopes, as compiled by Villar
et al. 2017 (ApJL 851, L21, https://doi.org/10.3847/2041-8213/aa9c84) from the papers they cite;
distance of NGC 4993 from Cantiello et al. 2018 (https://doi.org/10.3847/2041-8213/aaad64).
"""

from typing import Any, Final

NAME: Final = "AT2017gfo"
DISTANCE_MPC: Final = 40.7
# Days after the merger, and the magnitude then.
CURVES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "g": ((0.47, 17.41), (0.89, 17.46), (1.44, 18.49), (2.44, 20.19), (3.45, 21.13), (4.45, 21.58)),
    "r": (
        *((0.47, 17.56), (0.89, 17.32), (1.44, 17.99), (2.44, 19.13), (3.45, 19.81), (4.45, 20.53)),
        *((5.45, 20.79), (7.47, 21.23), (8.47, 21.95), (9.47, 22.20), (10.47, 22.45)),
    ),
    "i": (
        *((0.47, 17.48), (0.89, 17.42), (1.44, 17.85), (2.44, 18.58), (3.45, 19.03), (4.45, 19.51)),
        *((5.45, 19.55), (7.47, 20.54), (8.47, 20.72), (9.47, 21.37), (10.47, 22.38)),
    ),
    "z": (
        *((0.47, 17.59), (1.44, 17.72), (2.44, 18.33), (3.45, 18.74), (4.45, 19.07), (5.45, 19.17)),
        *((7.47, 19.89), (8.47, 20.40), (9.47, 21.19), (10.47, 22.06)),
    ),
}


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
