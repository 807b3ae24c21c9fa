"""Gravitational-wave alerts of LIGO, Virgo and KAGRA: JSON from GCN, Avro from Hopskotch.

Form: https://emfollow.docs.ligo.org/userguide/content.html
"""

import math
import re
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    model_validator,
)

from tom.formats.base64_text import decode_base64
from tom.formats.containers import read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.faults import read_sparing
from tom.formats.json_text import read_json
from tom.formats.times import in_utc, spelled_time
from tom.formats.values import tense_of, text
from tom.forms.by_hand import TEST
from tom.forms.gcn_notices import MOST_NAME
from tom.records.notice import NoticeType

_MOST_CHANCES: Final = 100  # real ones have four classes
MAX_BYTES: Final = 64 * 1024 * 1024  # real ones reach 5.8 MB
MAX_MAP_BYTES: Final = 16 * 1024 * 1024
# Without these a message is not an alert. An alert is kept without whatever else breaks the form.
_NEEDED: Final = frozenset({"alert_type", "time_created", "superevent_id", "event"})
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FIRST_EVENT_YEAR: Final = 1980
_TEST_PREFIXES: Final = ("M", "T")
_TEST_SEARCH: Final = "MDC"
_TEST_SERVERS: Final = ("gracedb-playground", "gracedb-test", "gracedb-dev")


def _check_size(fits: bytes) -> bytes:
    if len(fits) > MAX_MAP_BYTES:
        reason = f"the map is longer than {MAX_MAP_BYTES} bytes"
        raise ValueError(reason)
    return fits


def _check_number(value: float, *, least: float, most: float) -> float:
    """Refuse what cannot be such a number: not finite, or outside the range that it has."""
    if not math.isfinite(value):
        reason = "not finite"
    elif value < least:
        reason = "negative" if least == 0 else f"less than {least:g}"
    elif value > most:
        reason = f"more than {most:g}"
    else:
        return value
    raise ValueError(reason)


def _chance(value: float) -> float:
    """A probability; what a rounding puts just outside of 0 to 1 is put back."""
    _check_number(value + 0.0, least=-1e-6, most=1 + 1e-6)
    return min(max(value, 0.0), 1.0)


def _few_names(value: object) -> object:
    """Refuse names without end, before each is read."""
    if isinstance(value, dict) and len(value) > _MOST_CHANCES:
        reason = f"more than {_MOST_CHANCES} names"
        raise ValueError(reason)
    return value


def _event_id(value: str) -> str:
    """Refuse an id that no address or file can hold: it becomes part of both."""
    if not _EVENT_ID.fullmatch(value) or not value.strip("."):
        reason = "an event's id is 1 to 64 letters, digits, '_', '-' and '.', and not dots alone"
        raise ValueError(reason)
    return value


def _in_our_age(time: datetime) -> datetime:
    if time.year < _FIRST_EVENT_YEAR:
        reason = f"before {_FIRST_EVENT_YEAR}"
        raise ValueError(reason)
    return time


def _in_capitals(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _between(least: float, most: float) -> AfterValidator:
    return AfterValidator(partial(_check_number, least=least, most=most))


Text = Annotated[str, AfterValidator(text)]
Author = Annotated[str, AfterValidator(partial(text, most=64))]
UtcTime = Annotated[datetime, BeforeValidator(spelled_time), AfterValidator(in_utc)]
EventTime = Annotated[UtcTime, AfterValidator(_in_our_age)]
Rate = Annotated[float, _between(0, 1e6)]  # Hz
Seconds = Annotated[float, _between(0, 1e7)]
Difference = Annotated[float, _between(-1e9, 1e9)]  # s
Frequency = Annotated[float, _between(0, 1e6)]  # Hz
Chances = Annotated[
    dict[Text, Annotated[float, AfterValidator(_chance)]], BeforeValidator(_few_names)
]
Map = Annotated[bytes, BeforeValidator(decode_base64), AfterValidator(_check_size)]
EventId = Annotated[str, AfterValidator(_event_id)]


class _Part(BaseModel):
    """A part of an alert, in which null means the same as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if value is not None}


class ChirpMasses(_Part):
    """The chances of the source's chirp mass: one for each bin, the edges in solar masses."""

    bin_edges: tuple[Annotated[float, _between(0, 1e5)], ...]
    probabilities: tuple[Annotated[float, AfterValidator(_chance)], ...]

    @model_validator(mode="after")
    def _check_bins(self) -> "ChirpMasses":
        if len(self.bin_edges) != len(self.probabilities) + 1:
            reason = "as many bins as chances, and one edge more"
            raise ValueError(reason)
        if any(one >= two for one, two in pairwise(self.bin_edges)):
            reason = "the edges of its bins do not rise"
            raise ValueError(reason)
        return self


class GWEvent(_Part):
    """What is known of a gravitational-wave event."""

    time: EventTime | None = None
    far: Rate | None = None
    significant: bool | None = None  # None: not said, or in no form that can be read
    instruments: tuple[Text, ...] = ()
    group: Text | None = None
    pipeline: Author | None = None
    search: Text | None = None
    classification: Chances = {}
    properties: Chances = {}
    mchirp_source: ChirpMasses | None = None
    duration: Seconds | None = None
    central_frequency: Frequency | None = None
    skymap: Map | None = None
    skymap_filename: Text | None = None


class ExternalCoincidence(_Part):
    """Something else seen at the same time: a gamma-ray burst, neutrinos."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    gcn_notice_id: Text | None = None  # a number or a text
    ivorn: Text | None = None
    observatory: Text | None = None
    search: Text | None = None
    time_difference: Difference | None = None  # external minus gravitational
    time_coincidence_far: Rate | None = None
    time_sky_position_coincidence_far: Rate | None = None
    combined_skymap: Map | None = None


class GWAlert(_Part):
    """One message about one gravitational-wave event.

    `left_out` names each value that broke the form and is missing here, with the reason.
    """

    alert_type: Annotated[NoticeType, BeforeValidator(_in_capitals)]
    time_created: UtcTime
    superevent_id: EventId | None = None  # None in some messages of the newest form: never guessed
    urls: dict[Text, Text] = {}
    alert_tense: Annotated[Text, BeforeValidator(tense_of)] = ""
    event: GWEvent | None = None  # None in a retraction
    external_coinc: ExternalCoincidence | None = None
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_event(self) -> "GWAlert":
        if self.event is None and not self.is_retraction:
            reason = "only a retraction comes without an event"
            raise ValueError(reason)
        return self

    @property
    def is_retraction(self) -> bool:
        """Whether the event is withdrawn."""
        return self.alert_type is NoticeType.RETRACTION

    @property
    def skymap(self) -> bytes | None:
        """The event's own map, a FITS file, if the message carries it."""
        return self.event.skymap or None if self.event else None

    @property
    def combined_skymap(self) -> bytes | None:
        """The map combined with that of the external coincidence, a FITS file, if there is one."""
        return self.external_coinc.combined_skymap or None if self.external_coinc else None

    @property
    def name(self) -> str | None:
        """The event's id; that of a test by what its retraction says too has an end of its own.

        The search is not in a retraction: by that, a test would have two names.
        """
        is_test = self.alert_tense or self._is_elsewhere
        return self.name_of_test if is_test else self.superevent_id

    @property
    def name_of_test(self) -> str | None:
        """The id as that of a test: a live event may have the same one."""
        if self.superevent_id is None or self.superevent_id.startswith(_TEST_PREFIXES):
            return self.superevent_id
        return f"{self.superevent_id[: MOST_NAME - len(TEST)]}{TEST}"

    @property
    def _is_elsewhere(self) -> bool:
        return any(server in url for server in _TEST_SERVERS for url in self.urls.values())

    @property
    def test_reasons(self) -> tuple[str, ...]:
        """Why this is a test and no event of the sky, as the message itself has it."""
        superevent_id = self.superevent_id or ""
        searches = [
            (part.search or "").upper() for part in (self.event, self.external_coinc) if part
        ]
        signs = {
            f"the id {superevent_id} begins with M or T": superevent_id.startswith(_TEST_PREFIXES),
            "the search is MDC": _TEST_SEARCH in searches,
            f"the tense is {self.alert_tense}": bool(self.alert_tense),
            "its page is on a test server": self._is_elsewhere,
        }
        return tuple(reason for reason, found in signs.items() if found)


def parse_gwalert_json(payload: bytes) -> GWAlert:
    """Parse a gravitational-wave alert in JSON, its maps in base64.

    Raises
    ------
    MalformedAlertError
        If it is not JSON, or breaks the form. Retrying cannot help.
    """
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    return read_alert(read_json(payload))


def parse_gwalert_avro(payload: bytes) -> GWAlert:
    """Parse a gravitational-wave alert in Avro, its maps as raw bytes.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, does not hold exactly one record, or breaks the form.
    """
    return read_alert(read_record(payload, MAX_BYTES))


def read_alert(content: Any) -> GWAlert:
    """Read an alert, alone or as the only item of a list; raises MalformedAlertError."""
    if isinstance(content, list):
        if len(content) != 1:
            reason = f"a message holds one alert; this one holds {len(content)}"
            raise MalformedAlertError(reason)
        content = content[0]
    alert, left_out = read_sparing(GWAlert, content, needed=_NEEDED)
    # Also where none is: what the message itself says of it is not believed.
    return alert.model_copy(update={"left_out": left_out})
