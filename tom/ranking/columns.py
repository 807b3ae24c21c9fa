"""The inputs of the terms: the facts about the members of a list, column by column."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tom.ranking.weighing import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Columns:
    """Facts about n members of a list; every array has shape (n,). NaN: not known.

    Attributes
    ----------
    has_map : array of bool
        Whether the candidate was matched by a sky map.
    probdensity
        1/sr at the candidate's position; NaN outside the map.
    distance_overlap
        How well the host's distance fits the map's, from 0, no unit (`tom.sky.distance_overlap`).
        Of several possible hosts the mean, each with its share.
    host_share
        The chance that one of these is the host, 0 to 1; NaN: no one said.
    elsewhere_overlap
        The overlap of all other galaxies, most of them in no catalogue; NaN: not known.
    galaxy_light
        The light of galaxies at the place, listed or not, over its mean, as far as the survey sees;
        NaN: not known.
    map_in_3d
        1 where the map has a distance, 0 where it has none.
    brightness_ratio, brightness_ratio_low, brightness_ratio_high
        How likely a kilonova of the event is so bright when first seen, over a source of the list,
        and the range of that (`tom.ranking.lights`).
    first_magnitude, first_days, map_distance_mpc
        The AB magnitude of the first detection since the event, the days between, and the map's
        distance in this direction.
    later_ratio, later_ratio_low, later_ratio_high
        How likely the further looks since the event saw what they did for a counterpart, over a
        source of the list, and the range of that (`tom.ranking.curves`).
    further_looks, further_detections
        The number of these looks, and of detections among them.
    risen_again
        Magnitudes by which it rose since the event after it was fainter; 0: it did not.
    unseen
        1 where nothing was detected since the event, otherwise 0.
    was_looked_up : array of bool
        Whether an alert gave the surroundings.
    star_separation_arcsec, star_score, planet_separation_arcsec
        Arcsec to the nearest catalogued source, its chance to be a star (0 to 1), arcsec to the
        nearest known minor planet.
    epochs
        Hours before the event's window with a positive 5-sigma detection; NaN: not searched.
    epoch_age_days, sight_age_days
        Days from the newest of these hours, and from the survey's own first detection, to the
        beginning of the window.
    stacked
        The sum of the forced epochs of the last days before the window, by their weights and in its
        own errors, as of `tom.ranking.terms.earlier_activity`.
    """

    has_map: BoolArray
    probdensity: FloatArray
    distance_overlap: FloatArray
    host_share: FloatArray
    elsewhere_overlap: FloatArray
    galaxy_light: FloatArray
    map_in_3d: FloatArray
    was_looked_up: BoolArray
    star_separation_arcsec: FloatArray
    star_score: FloatArray
    planet_separation_arcsec: FloatArray
    brightness_ratio: FloatArray
    brightness_ratio_low: FloatArray
    brightness_ratio_high: FloatArray
    first_magnitude: FloatArray
    first_days: FloatArray
    map_distance_mpc: FloatArray
    later_ratio: FloatArray
    later_ratio_low: FloatArray
    later_ratio_high: FloatArray
    further_looks: FloatArray
    further_detections: FloatArray
    risen_again: FloatArray
    unseen: FloatArray
    epochs: FloatArray
    epoch_age_days: FloatArray
    sight_age_days: FloatArray
    stacked: FloatArray

    def lit(self, brightness: Mapping[str, Any]) -> "Columns":
        """Return these columns with what `tom.ranking.lights.read_brightness` returned."""
        return replace(self, **brightness)
