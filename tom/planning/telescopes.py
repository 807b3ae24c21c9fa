"""Telescopes that are offered by name. What is typed in a form replaces any of their figures.

The figures are public ones, rounded; each telescope's own staff know better ones.
"""

from typing import Final

from tom.planning.telescope import Telescope
from tom.sky import Site

TELESCOPES: Final = (
    # Field and read-out: https://noirlab.edu/science/programs/ctio/instruments/Dark-Energy-Camera;
    # pointing limits, speed and depth as gwemopt's DECam.config has them.
    Telescope(
        name="DECam",
        site=Site("Cerro Tololo", -30.1691, -70.8062, 2241.0),
        shape={"kind": "circle", "radius_deg": 1.1},
        exposure_s=90.0,
        overhead_s=28.0,
        slew_deg_s=1.0,
        settle_s=10.0,
        altitude_min_deg=30.0,
        depth=24.0,
        band="r",
        instrument="DECam",
    ),
    # Field, read-out and depth: Dekany et al. 2020, https://doi.org/10.1088/1538-3873/ab4ca2, and
    # gwemopt's ZTF.config. The gaps between its CCDs are not drawn.
    Telescope(
        name="ZTF",
        site=Site("Palomar", 33.3563, -116.8648, 1742.0),
        shape={"kind": "rectangle", "width_deg": 6.86, "height_deg": 6.86},
        exposure_s=30.0,
        overhead_s=10.0,
        slew_deg_s=2.6,
        settle_s=5.0,
        airmass_max=2.5,
        depth=20.4,
        band="r",
        instrument="ZTF",
    ),
    # Field, read-out and slew: https://rubinobservatory.org/for-scientists/rubin-101/key-numbers;
    # depth as gwemopt's LSST.config has it.
    Telescope(
        name="LSSTCam",
        site=Site("Cerro Pachon", -30.2379, -70.7338, 2738.0),
        shape={"kind": "circle", "radius_deg": 1.75},
        exposure_s=30.0,
        overhead_s=3.0,
        slew_deg_s=3.5,
        settle_s=3.0,
        altitude_min_deg=20.0,
        depth=24.4,
        band="r",
        instrument="LSSTCam",
    ),
    # Field: https://lco.global/observatory/instruments/sinistro.
    Telescope(
        name="Sinistro, LCO 1 m",
        site=Site("Cerro Tololo", -30.1674, -70.8048, 2198.0),
        shape={"kind": "rectangle", "width_deg": 0.4417, "height_deg": 0.4417},
        exposure_s=120.0,
        overhead_s=28.0,
        slew_deg_s=2.0,
        settle_s=10.0,
        altitude_min_deg=15.0,
        moon_separation_min_deg=30.0,
        depth=21.0,
        band="r",
        instrument="Sinistro",
    ),
)
