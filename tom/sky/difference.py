"""How two maps of one source differ: how far the likeliest place moved, and what they share."""

from dataclasses import dataclass

import numpy as np

from tom.sky.coverage import covered_area, covered_probability
from tom.sky.healpix import separation_arcsec
from tom.sky.regions import credible_ranges
from tom.sky.skymap import SkyMap, most_probable


@dataclass(frozen=True)
class MapDifference:
    """A later map compared with an earlier one.

    Attributes
    ----------
    shift_deg
        The angle between their densest places, degrees.
    later_in_earlier, earlier_in_later
        The probability of one map within the other's credible region, 0 to 1.
    common_area
        The area that both regions share, deg2.
    """

    shift_deg: float
    later_in_earlier: float
    earlier_in_later: float
    common_area: float


def compare_maps(earlier: SkyMap, later: SkyMap, *, level: float = 0.9) -> MapDifference:
    """Compare two maps by their credible regions of `level`."""
    one, other = credible_ranges(earlier, level), credible_ranges(later, level)
    apart = separation_arcsec(*most_probable(earlier), *most_probable(later)) / 3600
    both = covered_area(one) + covered_area(other) - covered_area(np.concatenate([one, other]))
    return MapDifference(
        shift_deg=float(apart),
        later_in_earlier=covered_probability(later, one),
        earlier_in_later=covered_probability(earlier, other),
        common_area=max(both, 0.0),
    )
