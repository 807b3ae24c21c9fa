"""What the surroundings of a candidate say, as likelihood ratios: one module for each term.

Every ratio is P(datum | counterpart) / P(datum | unrelated source in the alert stream). The shares
behind them are stated assumptions with a range, not fits: the range makes each term's interval.
All logs are natural. A term names its `INPUTS`, the data that no other term may use; `read`
takes its columns from a `Case`, and `weigh` makes them log likelihood ratios.
"""

from types import ModuleType

from tom.ranking.terms import distance, earlier_activity, minor_planet, sky_map, star

# In the order in which a page shows them.
TERMS: tuple[ModuleType, ...] = (sky_map, distance, star, earlier_activity, minor_planet)
