"""Mathematics of the sky: maps, levels, regions, distances, visibility. No Django here."""

from tom.formats.fits_image import UnreadableStampError
from tom.sky.box import box_localization
from tom.sky.cone import cone_localization, cone_sigma_deg
from tom.sky.coverage import (
    Pieces,
    covered_area,
    covered_probability,
    covered_volume,
    pieces_of,
)
from tom.sky.difference import MapDifference, compare_maps
from tom.sky.distance import (
    distance_modulus_at,
    distance_moments,
    distance_overlap,
    distance_pdf,
    distance_pdf_at,
    distance_probability_fraction,
    unlisted_share,
)
from tom.sky.efficiency import Patches, Series, chance_caught, margins, patches_of
from tom.sky.extinction import EbvMap, extinction_coefficient, galactic, milky_way_ebv, read_ebv_map
from tom.sky.following import Growth, follow_coverage, probability_left
from tom.sky.footprints import (
    FINENESS,
    Shape,
    circle,
    even_fineness,
    footprint_ranges,
    rectangle,
    shape_outline,
)
from tom.sky.healpix import (
    cone_ranges,
    healpix29,
    merge_ranges,
    radec_of,
    separation_arcsec,
    within_ranges,
)
from tom.sky.levels import credible_area, credible_levels, levels_2d, probdensity_at, searched_area
from tom.sky.packing import pack, unpack
from tom.sky.pictures import Picture, draw_stamp
from tom.sky.present import PresentSky, present_sky
from tom.sky.regions import contours, credible_ranges
from tom.sky.skymap import MalformedSkyMapError, SkyMap, build_skymap, most_probable, row_at
from tom.sky.skymap_fits import read_skymap
from tom.sky.skymap_writing import write_skymap
from tom.sky.stamps import Orientation, Stamp, read_stamp
from tom.sky.summary import SkyMapSummary, describe, summarize
from tom.sky.visibility import (
    Constraints,
    Night,
    Site,
    airmass,
    altitudes,
    datetime_of,
    mjd_of,
    observable_between,
    observable_now,
    observable_tonight,
    sun_altitude,
)
from tom.sky.volume import credible_volume, levels_3d

__all__ = [
    "FINENESS",
    "Constraints",
    "EbvMap",
    "Growth",
    "MalformedSkyMapError",
    "MapDifference",
    "Night",
    "Orientation",
    "Patches",
    "Picture",
    "Pieces",
    "PresentSky",
    "Series",
    "Shape",
    "Site",
    "SkyMap",
    "SkyMapSummary",
    "Stamp",
    "UnreadableStampError",
    "airmass",
    "altitudes",
    "box_localization",
    "build_skymap",
    "chance_caught",
    "circle",
    "compare_maps",
    "cone_localization",
    "cone_ranges",
    "cone_sigma_deg",
    "contours",
    "covered_area",
    "covered_probability",
    "covered_volume",
    "credible_area",
    "credible_levels",
    "credible_ranges",
    "credible_volume",
    "datetime_of",
    "describe",
    "distance_modulus_at",
    "distance_moments",
    "distance_overlap",
    "distance_pdf",
    "distance_pdf_at",
    "distance_probability_fraction",
    "draw_stamp",
    "even_fineness",
    "extinction_coefficient",
    "follow_coverage",
    "footprint_ranges",
    "galactic",
    "healpix29",
    "levels_2d",
    "levels_3d",
    "margins",
    "merge_ranges",
    "milky_way_ebv",
    "mjd_of",
    "most_probable",
    "observable_between",
    "observable_now",
    "observable_tonight",
    "pack",
    "patches_of",
    "pieces_of",
    "present_sky",
    "probability_left",
    "probdensity_at",
    "radec_of",
    "read_ebv_map",
    "read_skymap",
    "read_stamp",
    "rectangle",
    "row_at",
    "searched_area",
    "separation_arcsec",
    "shape_outline",
    "summarize",
    "sun_altitude",
    "unlisted_share",
    "unpack",
    "within_ranges",
    "write_skymap",
]
