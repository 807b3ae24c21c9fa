"""ALeRCE: classifications of its Kafka streams, and the answers of its API with light curves.

https://alerce.readthedocs.io. An answer is one JSON object: `object`, `detections`,
`non_detections` and `probabilities` as the API gives each.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from tom.formats.containers import WriterSchema, read_record
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.times import JD_OF_MJD, time_of_jd, time_of_tai_mjd
from tom.formats.values import finite, text
from tom.forms.declared import Ask, Broker, Conversation, Encoding, Form, Lane, LookUp, Wanted
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.njy_points import id_of, read_detections, read_forced
from tom.forms.retelling import (
    MOST,
    MOST_OBJECTS,
    chances_of,
    judge,
    light_curve,
    named,
    place_of,
    read_table,
    version_of,
)
from tom.records import Classification, ObjectAlert, Retelling
from tom.records.classification import Judgement

Fields = Mapping[str, Any]

_NAME: Final = "ALeRCE"
_ZTF: Final = "ZTF"
_ZTF_API: Final = "https://api.alerce.online/ztf/v1/objects"
_LSST_API: Final = "https://api-lsst.alerce.online"
_MAX_DECODED_BYTES: Final = 4 * 1024 * 1024  # real ones take 303 KB at most
_PUBLIC: Final = 1  # its public API and streams have this program's data alone
_OWN: Final = {
    "e": "eclipsing binary",
    "ea": "eclipsing binary",
    "ebew": "eclipsing binary",
    "rrlab": "rr lyrae",
    "rrlc": "rr lyrae",
    "rscvn": "variable",
    "sn": "supernova",
    "satellite": "bogus",
    "periodicother": "periodic variable",
}


def read_answer(payload: bytes) -> Retelling:
    """Read the answers of the API on one object.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, names no object, or no detection of it can be used.
    """
    record = read_json_fields(payload)
    if record is None:
        reason = "no JSON object"
        raise MalformedAlertError(reason)
    about = _fields(record.get("object"))
    detections = [each for each in _list(record.get("detections")) if isinstance(each, dict)]
    number = id_of(about.get("oid"))
    if number:
        alert = _read_lsst(number, about, record, detections)
    else:
        alert = _read_ztf(about, record, detections)
    judgements = tuple(_of_api(record.get("probabilities")))
    said = Classification(
        author=_NAME,
        survey=alert.survey,
        object_id=alert.object_id,
        ra=alert.ra,
        dec=alert.dec,
        time=alert.time,
        judgements=judgements,
    )
    return Retelling(alerts=(alert,), opinions=(said,) if judgements else ())


def _read_lsst(
    number: str, about: Fields, record: Fields, detections: Sequence[Fields]
) -> ObjectAlert:
    forced = read_forced(record.get("forced_photometry"))
    return light_curve(
        survey=LSST,
        object_id=number,
        place=place_of(about.get("meanra"), about.get("meandec")),
        points=[*read_detections(detections), *forced],
    )


def _read_ztf(about: Fields, record: Fields, detections: Sequence[Fields]) -> ObjectAlert:
    """Give its rows to the survey's own reader, with what they lack: `jd` and the program."""
    limits = [each for each in _list(record.get("non_detections")) if isinstance(each, dict)]
    epochs = [*map(_epoch, detections), *(_epoch(each) | {"candid": None} for each in limits)]
    return read_table(_ZTF, epochs, {"objectId": about.get("oid")})


def _epoch(row: Fields) -> dict[str, Any]:
    mjd = finite(row.get("mjd"))
    jd = None if mjd is None else mjd + JD_OF_MJD
    return {"programid": _PUBLIC} | dict(row) | {"jd": jd}


def _of_api(rows: Any) -> Iterator[Judgement]:
    """Yield an opinion for each classifier of a list of its classes, one a row."""
    chances: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _list(rows):
        if isinstance(row, dict) and (name := text(row.get("classifier_name"), most=100)):
            given = chances.setdefault((name, version_of(row.get("classifier_version"))), {})
            given[str(row.get("class_name"))] = row.get("probability")
    for (name, version), given in list(chances.items())[:MOST]:
        if found := chances_of(given):
            yield judge(name, version, found, _OWN)


def look_up(wanted: Wanted, _: Mapping[str, str]) -> Conversation:
    """Ask for an object of ZTF or of Rubin, or for those of ZTF in a cone."""
    number = id_of(wanted.name)
    if number:
        found = yield from _ask_lsst(number)
        return [found] if found else []
    names = [wanted.name] if wanted.name else (yield from _names_in(wanted))
    answers = []
    for name in names[:MOST_OBJECTS]:
        if found := (yield from _ask_ztf(name)):
            answers.append(found)
    return answers


def _names_in(wanted: Wanted) -> Generator[Ask, Any, list[str]]:
    query = {
        "ra": f"{wanted.ra:.7f}",
        "dec": f"{wanted.dec:.7f}",
        "radius": f"{wanted.radius_arcsec:g}",
        "page_size": str(MOST_OBJECTS),
    }
    listed = yield Ask(url=_ZTF_API, query=query)
    rows = _list(_fields(listed).get("items"))
    return [str(row["oid"]) for row in rows if isinstance(row, dict) and row.get("oid")]


def _ask_ztf(name: str) -> Generator[Ask, Any, dict[str, Any] | None]:
    at = f"{_ZTF_API}/{quote(name, safe='')}"
    about = yield Ask(url=at)
    if not _fields(about).get("oid"):
        return None
    answer = {"object": about}
    for part in ("detections", "non_detections", "probabilities"):
        answer[part] = (yield Ask(url=f"{at}/{part}")) or []
    return answer


def _ask_lsst(number: str) -> Generator[Ask, Any, dict[str, Any] | None]:
    query = {"survey_id": "lsst", "oid": number}
    about = yield Ask(url=f"{_LSST_API}/object_api/object", query=query)
    if not _fields(about).get("oid"):
        return None
    curve = yield Ask(url=f"{_LSST_API}/lightcurve_api/detections", query=query)
    return {"object": about, "detections": curve or []}


def read_classified(payload: bytes) -> Classification:
    """Read what a classifier says on Kafka: of the light curve, or of the first stamps.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, or it names no object. Retrying cannot help.
    UnhandledAlertError
        If it says nothing of a class.
    """
    record = read_record(payload, _MAX_DECODED_BYTES)
    given = record.get("oid") or record.get("objectId")
    number = id_of(given)
    name = number or text(given, most=56)
    if not name:
        reason = "no object: it has neither an oid nor an objectId"
        raise MalformedAlertError(reason)
    judgements = tuple(_of_stream(record))
    if not judgements:
        reason = "a message that says nothing of a class"
        raise UnhandledAlertError(reason)
    place = place_of(record.get("meanra"), record.get("meandec"))
    return Classification(
        author=_NAME,
        survey=LSST if number else _ZTF,
        object_id=name,
        ra=place[0] if place else None,
        dec=place[1] if place else None,
        time=_time_of(record.get("mjd"), LSST if number else _ZTF),
        judgements=judgements,
    )


def _time_of(mjd: Any, survey: str) -> datetime | None:
    """Read a time as the survey counts: Rubin's is TAI."""
    day = finite(mjd)
    if survey == LSST:
        return time_of_tai_mjd(day)
    return None if day is None else time_of_jd(day + JD_OF_MJD)


def _of_stream(record: Fields) -> Iterator[Judgement]:
    of_curve = _fields(record.get("lc_classification"))
    version = record.get("classifier_version") or record.get("model_version")
    name = named(of_curve.get("class"))
    if found := chances_of(of_curve.get("probabilities")) or ({name: 1.0} if name else {}):
        yield judge("lc_classifier", version, found, _OWN)
    if found := chances_of(record.get("probabilities")):
        name = text(record.get("classifier_name"), most=100) or "stamp_classifier"
        yield judge(name, version, found, _OWN)
    # Of stamps: a row for each class, which names the classifier if the message does not.
    of_all = {"classifier_name": record.get("classifier_name"), "classifier_version": version}
    yield from _of_api([of_all | row for row in _rows(record)])


def _rows(record: Fields) -> Iterator[dict[str, Any]]:
    """The rows of a list of classes, with the names that the API gives what they hold."""
    for row in _list(record.get("classifications")):
        if isinstance(row, dict):
            version = row.get("model_version")
            yield row if version is None else row | {"classifier_version": version}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _fields(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _is_answer(message: Fields) -> bool:
    return "oid" in _fields(message.get("object")) and "detections" in message


def _is_classified(schema: WriterSchema) -> bool:
    names = schema.fields.keys()
    says = {"lc_classification", "probabilities"} & names
    lists = {"classifications", "classifier_name"} <= names
    return bool((says or lists) and {"oid", "objectId"} & names)


ALERCE: Final = Broker(
    name=_NAME,
    look_up=LookUp(talk=look_up, form="alerce.answer"),
    forms=(
        Form(
            name="alerce.classified",
            encoding=Encoding.AVRO,
            record=Classification,
            topics=("lc_classifier*", "stamp_classifier*", "alerce.*"),
            recognises=_is_classified,
            parse=read_classified,
            lane=Lane.BATCH,
            is_open=True,
        ),
        Form(
            name="alerce.answer",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("lookup.alerce",),
            recognises=_is_answer,
            keys=(b'"detections"',),
            parse=read_answer,
            lane=Lane.BATCH,
        ),
    ),
)
