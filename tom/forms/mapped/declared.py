"""What a survey says of its packets in plain data: which fields hold what, on which scale.

Names of fields are paths: `a.b` is the field `b` of the record `a`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tom.records.alert import AB_ZERO_POINT_NJY, PointKind


class Clock(StrEnum):
    """How a packet tells its times."""

    JD_START = "jd"  # UTC Julian date at the exposure's start
    MJD_START = "mjd"  # UTC modified Julian date at the exposure's start
    MJD_MIDDLE = "mjd middle"  # the same at its middle
    MJD_TAI_MIDDLE = "mjd tai"  # TAI, at its middle


@dataclass(frozen=True, slots=True, kw_only=True)
class Epochs:
    """The fields of the detection, or of each epoch of one list of the history.

    A field of the detection may stand at the packet's top, too.

    Attributes
    ----------
    at
        The path of the record or the list in the packet.
    kind
        What a measured epoch is. One without an id but with a limit is an upper limit.
    key
        The id of the measurement. Empty: its band and time stand for it.
    limit_key
        The id of an exposure that shows nothing.
    time, exposure
        When; and for how long, seconds.
    band
        Empty: the survey has one band alone.
    flux, flux_error
        On `zero_point`, signed. If there is none, `magnitude` is of its size.
    magnitude, magnitude_error, sign
        `sign` is in any of the spellings of `isdiffpos`; empty: that of the magnitude.
    zero_point
        The AB magnitude of a flux of 1, or the path of that.
    limit
        The 5 sigma limiting magnitude.
    score
        The survey's own real-bogus score, 0 to 1.
    program
        The number of the program.
    """

    at: str
    kind: PointKind = PointKind.ALERT
    key: str = ""
    limit_key: str = ""
    time: str
    exposure: str = ""
    band: str = ""
    flux: str = ""
    flux_error: str = ""
    magnitude: str = ""
    magnitude_error: str = ""
    sign: str = ""
    zero_point: float | str = AB_ZERO_POINT_NJY
    limit: str = ""
    score: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFields:
    """The paths of what a packet says of its object's host galaxy.

    `redshifts` are pairs, a redshift and its error, the better ones first: the first that is above
    0 is the host's. Without any there is no host. `ra` and `dec` may both be 0, which is no place.
    """

    redshifts: tuple[tuple[str, str], ...]
    ra: str = ""
    dec: str = ""
    separation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What the packets of a survey hold.

    Attributes
    ----------
    survey
        Its name.
    object_id, ra, dec
        Paths. `least_ra` is the least right ascension that is one, degrees.
    trigger, history
        The detection that the packet is about, and the lists of others.
    clock
        How it tells times; `usual_s` is the exposure where none is told.
    bands
        What it calls a band, to the band's name; the empty name is that of the only band.
    ab_offsets
        By band: what makes a magnitude of the packet an AB magnitude.
    history_start, n_detections, version
        Paths, or empty.
    scores
        Our name of a score, 0 to 1, to its path; `score_share` is what it is multiplied with.
    star
        Paths of the distance of the nearest star or galaxy in arcsec, and of its score.
    planet
        Paths of the name, the distance in arcsec and the magnitude of a minor planet.
    host
        What it says of the host galaxy, or None.
    cutouts
        The name of a stamp to its path.
    fakes
        Paths of fields, each with the least number that says that a source was put in.
    """

    survey: str
    object_id: str
    ra: str
    dec: str
    least_ra: float = 0.0
    trigger: Epochs
    history: tuple[Epochs, ...] = ()
    clock: Clock
    usual_s: float = 0.0
    bands: Mapping[Any, str]
    ab_offsets: Mapping[str, float] = field(default_factory=dict)
    history_start: str = ""
    n_detections: str = ""
    version: str = ""
    scores: Mapping[str, str] = field(default_factory=dict)
    score_share: float = 1.0
    star: tuple[str, str] = ("", "")
    planet: tuple[str, str, str] = ("", "", "")
    host: HostFields | None = None
    cutouts: Mapping[str, str] = field(default_factory=dict)
    fakes: Mapping[str, int] = field(default_factory=dict)
