"""Forms of no survey, mission or broker: of GCN and of Hopskotch themselves, and of people here."""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.errors import UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.values import text
from tom.formats.voevent import VOEvent
from tom.forms.by_hand import BY_HAND
from tom.forms.circular import is_circular, parse_circular
from tom.forms.declared import Encoding, Form
from tom.forms.gcn_notices import is_notice, read_any_notice
from tom.forms.voevents import CLASSIC, KEYS, read_any_voevent
from tom.records import Notice, Text

FILE_TOPIC: Final = "file"
"""The topic of what is read from a file: such a message is known by its content alone."""
HEARTBEAT: Final = "heartbeat"
"""The form of what only says that its topic is alive: it is counted, and not kept."""
HOPSKOTCH_TEXT: Final = "hopskotch.text"
"""The form of any JSON object on a topic of nobody's."""
ANY_NOTICE: Final = "gcn.notice"
"""The form of notices of missions that declare none of their own."""
ANY_VOEVENT: Final = "voevent"
"""The form of VOEvents of missions that declare none of their own."""
ANYBODYS: Final = frozenset({ANY_NOTICE, ANY_VOEVENT})
UNKNOWN: Final = "unknown"
"""What `AlertMessage.kind` holds where no form is recognised."""
_HERMES_KEYS: Final = frozenset({"title", "submitter", "message_text"})
_SUBJECT: Final = 500


def _is_voevent(voevent: VOEvent) -> bool:
    return bool(voevent.ivorn)


def _is_hermes(message: Mapping[str, Any]) -> bool:
    return message.keys() >= _HERMES_KEYS


def _parse_people(payload: bytes) -> Text:
    """Read a message of people's: a JSON object, whatever is in it."""
    message = read_json_fields(payload)
    if message is None:
        raise UnhandledAlertError
    title, body = text(message.get("title"), most=_SUBJECT), message.get("message_text")
    submitter = text(message.get("submitter"))
    return Text(
        subject=title or "", body=body if isinstance(body, str) else "", submitter=submitter
    )


NETWORKS: Final = (
    BY_HAND,
    Form(
        name="gcn.circular",
        encoding=Encoding.JSON,
        # GCN's, one for each kind of event beside it, and Hopskotch's: the same circulars.
        topics=("gcn.circulars", "gcn.circulars.*", "gcn.circular"),
        recognises=is_circular,
        keys=(b'"circularId"', b'"GCN CIRCULAR"'),
        record=Text,
        parse=parse_circular,
        is_open=True,
    ),
    Form(
        name=HEARTBEAT,
        encoding=Encoding.JSON,
        topics=("gcn.heartbeat", "gcn.notices.*heartbeat*", "sys.heartbeat*"),
        is_open=True,
    ),
    Form(
        name=ANY_NOTICE,
        encoding=Encoding.JSON,
        topics=("gcn.notices.*", "gcn.classic.*"),
        recognises=is_notice,
        keys=(b"gcn.nasa.gov/schema/",),
        record=Notice,
        parse=read_any_notice,
        is_open=True,
    ),
    Form(
        name=ANY_VOEVENT,
        encoding=Encoding.XML,
        topics=(CLASSIC,),
        recognises=_is_voevent,
        keys=KEYS,
        record=Notice,
        parse=read_any_voevent,
        is_open=True,
    ),
    Form(
        name="hermes",
        encoding=Encoding.JSON,
        topics=("hermes.*",),
        recognises=_is_hermes,
        anywhere=True,
        record=Text,
        parse=_parse_people,
        is_open=True,
    ),
    Form(
        name=HOPSKOTCH_TEXT,
        encoding=Encoding.JSON,
        record=Text,
        parse=_parse_people,
        is_open=True,
    ),
)
