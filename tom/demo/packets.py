"""Alerts as packets in ZTF's Avro form: the detection, thirty days of history, stamps."""

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import numpy as np

from tom.demo.fields import field_at, pixel_at
from tom.demo.light import to_flux, to_magnitude
from tom.demo.observing import Epochs
from tom.demo.population import Observed
from tom.sky.arrays import IntArray

SCHEMA_FILE = Path(__file__).with_name("ztf_alert.avsc")
SCHEMA_VERSION = "4.02"
PUBLISHER = "Counterpart demonstration, in the form of ZTF"
HISTORY_DAYS = 30.0
NIGHT_ZERO_JD = 2457754.5
RB_VERSION = "t17_f5_c3"
DRB_VERSION = "d6_m7"
NOT_KNOWN = -999.0
FAILED_FORCED = -99999.0
PLACES = 997  # more than there are sources in a night

Record = dict[str, Any]


class PacketWriter:
    """Writes the packets of one observed source.

    `place` differs from source to source: it keeps the numbers of detections in one image apart.
    """

    def __init__(
        self, observed: Observed, object_id: str, *, place: int, rng: np.random.Generator
    ) -> None:
        self.source = observed.source
        self.epochs = observed.epochs
        self.object_id = object_id
        self.pid, self.quadrant = _process_ids(self.epochs, observed)
        n = len(self.pid)
        self.tblid = 1 + (place + 37 * np.arange(n)) % PLACES
        self.separation = np.abs(self.source.neighbour.separation_arcsec + rng.normal(0, 0.05, n))
        # Only detections get another forced flux. An exposure without an alert must not reach
        # five sigma here: otherwise "first seen" would have two meanings.
        change = np.where(self.epochs.detected, 0.3 * rng.normal(size=n), 0.0)
        self.forced_flux = self.epochs.flux + change * self.epochs.error
        self.forced_failed = rng.uniform(size=n) < 0.12
        self.quality = rng.uniform(size=(4, n))

    def packet(self, row: int, stamps: Mapping[str, bytes]) -> bytes:
        """Write the alert of one detection."""
        jd = self.epochs.exposures.jd
        history = np.flatnonzero((jd < jd[row]) & (jd > jd[row] - HISTORY_DAYS))
        record = {
            "schemavsn": SCHEMA_VERSION,
            "publisher": PUBLISHER,
            "objectId": self.object_id,
            "candid": self.candid(row),
            "candidate": self._candidate(row),
            "prv_candidates": [self._previous(past) for past in history] or None,
            "fp_hists": [self._forced(past) for past in history] or None,
        }
        for kind, stamp in stamps.items():
            name = f"candid{self.candid(row)}_{kind[:3]}.fits.gz"
            record[f"cutout{kind.capitalize()}"] = {"fileName": name, "stampData": stamp}
        return _encode(record)

    def candid(self, row: int) -> int:
        """Return the number of a detection: the number of its image, and its place in the image."""
        return int(self.pid[row]) * 1_000_000 + 15_000 + int(self.tblid[row])

    def time(self, row: int, rng: np.random.Generator) -> datetime:
        """Return the time at which the alert is sent, some minutes after the exposure."""
        exposures = self.epochs.exposures
        delay = exposures.seconds[row] + rng.uniform(420, 1200)
        return to_datetime(float(exposures.jd[row]) + delay / 86400)

    def _visit(self, row: int) -> Record:
        """Return the fields of the exposure that every kind of epoch has."""
        exposures = self.epochs.exposures
        return {
            "jd": float(exposures.jd[row]),
            "fid": int(exposures.fid[row]),
            "pid": int(self.pid[row]),
            "field": int(exposures.field[row]),
            "rcid": int(self.quadrant),
            "programid": 1,
            "diffmaglim": float(exposures.limit[row]),
            "magzpsci": float(exposures.zero_point[row]),
        }

    def _reference(self, row: int) -> Record:
        neighbour = self.source.neighbour
        magnitude = float(neighbour.magnitudes[self.epochs.exposures.fid[row] - 1])
        return {
            "distnr": float(self.separation[row]),
            "magnr": magnitude,
            "sigmagnr": float(np.hypot(0.015, 0.05 * 10 ** (0.4 * (magnitude - 20.5)))),
            "ranr": self.source.ra,
            "decnr": self.source.dec + neighbour.separation_arcsec / 3600,
        }

    def _detection(self, row: int) -> Record:
        epochs = self.epochs
        ratio = float(epochs.signal_to_noise[row])
        return self._visit(row) | self._reference(row) | self._solar_system() | {
            "candid": self.candid(row),
            "programpi": "Kulkarni",
            "tblid": int(self.tblid[row]),
            "nid": int(self.pid[row] // 10**9),
            "isdiffpos": "t" if epochs.flux[row] > 0 else "f",
            "ra": float(epochs.ra[row]),
            "dec": float(epochs.dec[row]),
            "magpsf": float(to_magnitude(epochs.flux[row])),
            "sigmapsf": 1.0857 / ratio,
            "fwhm": float(epochs.fwhm[row]),
            "elong": float(epochs.elongation[row]),
            "nneg": int(epochs.n_negative[row]),
            "nbad": 0,
            "rb": float(epochs.rb[row]),
            "rbversion": RB_VERSION,
            "scorr": ratio,
        }  # fmt: skip

    def _solar_system(self) -> Record:
        mover = self.source.mover
        if mover is None or mover.name is None:
            return {"ssdistnr": NOT_KNOWN, "ssmagnr": NOT_KNOWN, "ssnamenr": "null"}
        return {
            "ssdistnr": mover.separation_arcsec,
            "ssmagnr": mover.magnitude,
            "ssnamenr": mover.name,
        }

    def _candidate(self, row: int) -> Record:
        detection = self._detection(row)
        return detection | self._shape(row, detection) | self._catalogue() | self._past(row) | {
            "drb": float(self.epochs.drb[row]),
            "drbversion": DRB_VERSION,
            "exptime": float(self.epochs.exposures.seconds[row]),
            "tooflag": int(self.epochs.exposures.seconds[row] > 30),
            "rfid": self._rfid(row),
        }  # fmt: skip

    def _shape(self, row: int, detection: Record) -> Record:
        x, y = pixel_at(self.epochs.ra[row], self.epochs.dec[row])
        luck = self.quality[:, row]
        magnitude, sigma = detection["magpsf"], detection["sigmapsf"]
        # Aperture against fitted magnitude: an ill-shaped detection differs more.
        magdiff = float((luck[0] - 0.45) * 2 * sigma * detection["elong"])
        return {
            "xpos": float(x),
            "ypos": float(y),
            "mindtoedge": float(min(x, y, 3072 - x, 3080 - y)),
            "chipsf": float(1 + detection["nneg"] * luck[1]),
            "magap": magnitude + magdiff,
            "sigmagap": 1.3 * sigma,
            "magdiff": magdiff,
            "magfromlim": detection["diffmaglim"] - magnitude - magdiff,
            "classtar": float(np.clip(2 - detection["elong"], 0, 1)),
            "seeratio": float(0.7 + 0.6 * luck[2]),
            "sumrat": float(np.clip(1 - 0.05 * detection["nneg"] * luck[3], 0, 1)),
            "chinr": float(0.3 + luck[1]),
            "sharpnr": float(0.1 * (luck[0] - 0.5)),
        }

    def _catalogue(self) -> Record:
        neighbour = self.source.neighbour
        g, r, i, z = (float(magnitude) for magnitude in neighbour.magnitudes)
        return {
            "sgmag1": g,
            "srmag1": r,
            "simag1": i,
            "szmag1": z,
            "sgscore1": neighbour.star_score,
            "distpsnr1": neighbour.separation_arcsec,
            "nmtchps": 1 + int(self.quality[0, 0] * 12),
            "neargaia": neighbour.gaia_arcsec,
            "maggaia": neighbour.gaia_magnitude,
            "neargaiabright": NOT_KNOWN,
            "maggaiabright": NOT_KNOWN,
        }

    def _past(self, row: int) -> Record:
        past = self.source.past
        seen = self.epochs.detected[: row + 1]
        first = float(self.epochs.exposures.jd[np.argmax(seen)])
        covered = 60 + int(self.quality[1, 0] * 900)
        earlier = past.detections if past else 0
        return {
            "ndethist": earlier + int(seen.sum()),
            "ncovhist": covered + earlier + row,
            "jdstarthist": past.first_jd if past else first,
            "jdendhist": float(self.epochs.exposures.jd[row]),
        }

    def _previous(self, row: int) -> Record:
        if self.epochs.detected[row]:
            return self._detection(row)
        return self._visit(row) | {
            "programpi": "Kulkarni",
            "nid": int(self.pid[row] // 10**9),
            "rbversion": RB_VERSION,
        }

    def _forced(self, row: int) -> Record:
        zero_flux = float(to_flux(self.epochs.exposures.zero_point[row]))
        failed = bool(self.forced_failed[row])
        flux, error = float(self.forced_flux[row]), float(self.epochs.error[row])
        exposures = self.epochs.exposures
        return self._visit(row) | self._reference(row) | {
            "rfid": self._rfid(row),
            "sciinpseeing": float(exposures.seeing[row] / 1.01),
            "exptime": float(exposures.seconds[row]),
            "forcediffimflux": FAILED_FORCED if failed else flux / zero_flux,
            "forcediffimfluxunc": FAILED_FORCED if failed else error / zero_flux,
            "procstatus": "61" if failed else "0",
        }  # fmt: skip

    def _rfid(self, row: int) -> int:
        exposures = self.epochs.exposures
        return int(
            int(exposures.field[row]) * 1_000_000
            + 120_000
            + int(exposures.fid[row]) * 100
            + self.quadrant
        )


def to_datetime(jd: float) -> datetime:
    """Turn a UTC Julian date into a time."""
    return datetime.fromtimestamp((jd - 2440587.5) * 86400, tz=UTC)


def to_jd(time: datetime) -> float:
    """Turn an aware time into a UTC Julian date."""
    return time.timestamp() / 86400 + 2440587.5


def _process_ids(epochs: Epochs, observed: Observed) -> tuple[IntArray, int]:
    """Number each image as ZTF does: night, hundred-thousandth of the day, quadrant, type."""
    quadrant = int(field_at(np.array(observed.source.ra), np.array(observed.source.dec))[1])
    since = epochs.exposures.jd - NIGHT_ZERO_JD
    night = np.floor(since).astype(np.int64)
    moment = np.floor((since - night) * 100_000).astype(np.int64)
    return night * 10**9 + moment * 10_000 + quadrant * 100 + 15, quadrant


@cache
def _schema() -> Any:
    return fastavro.parse_schema(json.loads(SCHEMA_FILE.read_text()))


def _encode(record: Record) -> bytes:
    # The container's marker is random as a rule; two equal nights must be equal in each byte.
    marker = hashlib.md5(str(record["candid"]).encode(), usedforsecurity=False).digest()
    buffer = io.BytesIO()
    fastavro.writer(
        buffer, _schema(), [record], codec="deflate", codec_compression_level=4, sync_marker=marker
    )
    return buffer.getvalue()
