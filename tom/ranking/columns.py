"""What is known of an event's candidates, column by column: what terms read."""

from dataclasses import dataclass

from tom.ranking.weighing import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Columns:
    """What is known of n candidates; every array has shape (n,), and NaN where it is not known.

    Attributes
    ----------
    has_map : array of bool
        Whether the candidate was matched by a sky map.
    probdensity
        1/sr at the candidate's place; NaN where the map does not reach.
    distance_overlap
        See `tom.sky.distance_overlap`: how well the host's distance fits the map's.
    was_looked_up : array of bool
        Whether an alert told of the surroundings.
    star_separation_arcsec, star_score, planet_separation_arcsec
        The nearest catalogued source, its chance to be a star, the nearest known minor planet.
    epochs
        Hours before the event's window with a positive detection of 5 sigma; NaN: none searched.
    epoch_age_days, sight_age_days
        From the newest of them, and from the survey's own first sight, to the window.
    """

    has_map: BoolArray
    probdensity: FloatArray
    distance_overlap: FloatArray
    was_looked_up: BoolArray
    star_separation_arcsec: FloatArray
    star_score: FloatArray
    planet_separation_arcsec: FloatArray
    epochs: FloatArray
    epoch_age_days: FloatArray
    sight_age_days: FloatArray
