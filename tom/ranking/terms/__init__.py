"""The evidence from a candidate's surroundings, as likelihood ratios: one module for each term.

Every ratio is P(datum | counterpart) / P(datum | unrelated source in the alert stream). The shares
in these ratios are stated assumptions with a range, not fits. The range gives each term's interval.
All logs are natural. A term names its `INPUTS`, the data that no other term may use. `read` takes
its arrays from `Columns`. `weigh` makes them log likelihood ratios.
"""

from types import ModuleType

from tom.ranking.terms import (
    brightness,
    distance,
    earlier_activity,
    later_light,
    minor_planet,
    sky_map,
    star,
)

# In the order in which a page shows them.
TERMS: tuple[ModuleType, ...] = (
    *(sky_map, distance, brightness, later_light, star, earlier_activity, minor_planet),
)
