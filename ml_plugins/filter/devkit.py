"""What a filter written for ANTARES finds under `antares_devkit.models`.

An interface of our own to the names that antares-devkit 0.11 documents
(https://nsf-noirlab.gitlab.io/csdc/antares/devkit/): `BaseFilter`, `DevKitLocus`, `DevkitAlert`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.timeseries import TimeSeries

SURVEYS: Final[Mapping[str, tuple[int, ...]]] = {
    "ztf": (1, 2),
    "decat": (3,),
    "lsst": (4,),
    "all": (1, 2, 3, 4),
}
"""The numbers of `ant_survey` of each survey: 1 is an alert of ZTF, 2 an upper limit of it."""
LIGHTCURVE: Final = (
    *("alert_id", "ant_mjd", "ant_survey", "ant_ra", "ant_dec", "ant_passband", "ant_mag"),
    *("ant_magerr", "ant_maglim", "ant_mag_corrected", "ant_magerr_corrected"),
    *("ant_magulim_corrected", "ant_magllim_corrected"),
)
EPOCH: Final = datetime(1858, 11, 17)  # noqa: DTZ001  astropy's times have no zone
LARGEST_FLOAT: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class DevkitAlert:
    """One alert, or one upper limit."""

    id: str
    mjd: float
    properties: dict[str, Any] = field(default_factory=dict)
    non_persistent_properties: dict[str, Any] = field(default_factory=dict)
    grav_wave_events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def alert_id(self) -> str:
        """The same as `id`."""
        return self.id


class Properties(dict[str, Any]):
    """A copy of a locus's properties, which notes what a filter writes into it: that is lost.

    It is no error, as public filters do it.
    """

    def __init__(self, told: Mapping[str, Any], lost: set[str]) -> None:
        super().__init__(told)
        self._lost = lost

    def __setitem__(self, key: str, value: Any) -> None:
        self._lost.add(key)
        super().__setitem__(key, value)


@dataclass
class DevKitLocus:
    """One object with its alerts, in order of time."""

    id: str
    ra: float
    dec: float
    alerts: list[DevkitAlert]
    catalog_objects: dict[str, list[Any]] = field(default_factory=dict)
    internal_properties: dict[str, Any] = field(default_factory=dict)
    user_tags: set[str] = field(default_factory=set)
    user_properties: dict[str, Any] = field(default_factory=dict)
    grav_wave_events_metadata: dict[str, Any] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    @cached_property
    def location(self) -> SkyCoord:
        """Its place."""
        return SkyCoord(ra=self.ra, dec=self.dec, unit=u.deg)

    @property
    def locus_id(self) -> str:
        """The same as `id`."""
        return self.id

    @property
    def alert(self) -> DevkitAlert:
        """The newest alert."""
        return self.alerts[-1]

    @property
    def catalogs(self) -> list[str]:
        """The names of the catalogues in which it was found."""
        return list(self.catalog_objects)

    @property
    def grav_wave_events(self) -> list[str]:
        """The events in whose regions it lies."""
        return list(self.grav_wave_events_metadata)

    @property
    def tags(self) -> set[str]:
        """The tags that it has."""
        return self.user_tags

    @property
    def properties(self) -> dict[str, Any]:
        """A copy of what is known of it, and what filters have set with `set_property`."""
        return Properties(self.internal_properties | self.user_properties, self.lost)

    def tag(self, value: Any) -> None:
        """Give it a tag; ValueError if that is no text."""
        if not isinstance(value, str):
            message = "a tag must be a text"
            raise ValueError(message)  # noqa: TRY004  as the devkit does
        self.user_tags.add(value)

    def set_property(self, key: str, value: Any) -> None:
        """Set a property; ValueError if it is no text and no number, NaN, or too large."""
        if not isinstance(value, str | float | int):
            message = "a property must be a number or a text"
            raise ValueError(message)  # noqa: TRY004  as the devkit does
        if isinstance(value, float) and not abs(value) <= LARGEST_FLOAT:  # nor is NaN
            message = f"{value} lies outside of what a property may be"
            raise ValueError(message)
        self.user_properties[key] = value

    def timeseries(self, survey: str = "ztf") -> TimeSeries:
        """Return the alerts of a survey, a row for each, with all of their properties.

        The columns of corrected magnitudes are NaN and masked: what they are made of is not here.
        """
        rows = [each for each in self.alerts if each.properties["ant_survey"] in _numbers(survey)]
        series = TimeSeries(
            data=[{"alert_id": each.id, **each.properties} for each in rows],
            time=[EPOCH + timedelta(days=each.mjd) for each in rows],
        )
        for name in LIGHTCURVE[-4:]:
            series[name] = _unknown(len(rows))
        return series

    def lightcurve(self, survey: str = "ztf") -> TimeSeries:
        """Return the columns `LIGHTCURVE` of a survey's time series."""
        series = self.timeseries(survey)
        for name in LIGHTCURVE:
            if name not in series.colnames:
                series[name] = _unknown(len(series))
        return series[list(LIGHTCURVE)]


def _unknown(n: int) -> Any:
    """Return a column of which nothing is known."""
    return np.ma.array(np.full(n, np.nan), mask=np.ones(n, bool))  # type: ignore[no-untyped-call]


class BaseFilter:
    """What a filter inherits from: it says what it needs and gives, and does it in `_run`."""

    SLACK_CHANNEL: str = ""
    REQUIRED_LOCUS_PROPERTIES: ClassVar[list[str]] = []
    REQUIRED_TAGS: ClassVar[list[str]] = []
    REQUIRED_ALERT_PROPERTIES: ClassVar[list[str]] = []
    TRIGGERING_SURVEY: str = "all"
    OUTPUT_LOCUS_TAGS: ClassVar[list[dict[str, str]]] = []
    OUTPUT_LOCUS_PROPERTIES: ClassVar[list[dict[str, Any]]] = []
    OUTPUT_ALERT_PROPERTIES: ClassVar[list[dict[str, Any]]] = []
    REQUIRED_GRAV_WAVE_PROB_REGION: float | None = None

    def __init__(self) -> None:
        self.setup()

    def setup(self) -> None:
        """Load what the filter needs."""

    def _run(self, locus: DevKitLocus) -> None:
        message = "the filter has no _run(self, locus)"
        raise NotImplementedError(message)

    def wants(self, locus: DevKitLocus) -> bool:
        """Whether a locus has what the filter requires."""
        has = set(self.REQUIRED_LOCUS_PROPERTIES) <= set(locus.properties)
        return has and set(self.REQUIRED_TAGS) <= locus.tags and self._wants(locus.alert)

    def _wants(self, alert: DevkitAlert) -> bool:
        number = alert.properties["ant_survey"]
        asked = [
            name for name in self.REQUIRED_ALERT_PROPERTIES if not _is_of_another(name, number)
        ]
        most = self.REQUIRED_GRAV_WAVE_PROB_REGION
        inside = not most or any(each["contour_level"] <= most for each in alert.grav_wave_events)
        its_own = number in _numbers(self.TRIGGERING_SURVEY)
        return set(asked) <= set(alert.properties) and inside and its_own


def _is_of_another(name: str, number: int) -> bool:
    """Whether a property is of a survey that the alert is not of."""
    prefix = name.partition("_")[0]
    return prefix in SURVEYS and number not in SURVEYS[prefix]


def _numbers(survey: str) -> tuple[int, ...]:
    if survey not in SURVEYS:
        message = f"there is no survey {survey!r}"
        raise ValueError(message)
    return SURVEYS[survey]
