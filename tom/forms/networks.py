"""Forms that belong to no survey, mission or broker: of GCN and of Hopskotch themselves."""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.describe import is_schema, read_json_object
from tom.formats.errors import UnhandledAlertError
from tom.formats.values import text
from tom.forms.circular import is_circular, parse_circular
from tom.forms.declared import Encoding, Form
from tom.records import Text

FILE_TOPIC: Final = "file"
"""The topic of what is read from a file: such a message is known by its content alone."""
HEARTBEAT: Final = "heartbeat"
"""The form of what only says that its topic is alive: it is counted, and not kept."""
HOPSKOTCH_TEXT: Final = "hopskotch.text"
"""The form of any JSON object on a topic of nobody's."""
UNKNOWN: Final = "unknown"
"""What `AlertMessage.kind` holds where no form is recognised."""
_HERMES_KEYS: Final = frozenset({"title", "submitter", "message_text"})
_SUBJECT: Final = 500


def _is_notice(message: Mapping[str, Any]) -> bool:
    return "gcn.nasa.gov/schema" in str(message.get("$schema")) and not is_schema(message)


def _is_hermes(message: Mapping[str, Any]) -> bool:
    return message.keys() >= _HERMES_KEYS


def _parse_people(payload: bytes) -> Text:
    """Read a message of people's: a JSON object, whatever is in it."""
    message = read_json_object(payload)
    if message is None:
        raise UnhandledAlertError
    title, body = text(message.get("title"), most=_SUBJECT), message.get("message_text")
    submitter = text(message.get("submitter"))
    return Text(
        subject=title or "", body=body if isinstance(body, str) else "", submitter=submitter
    )


NETWORKS: Final = (
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
        topics=("gcn.heartbeat", "sys.heartbeat*"),
        is_open=True,
    ),
    Form(
        name="gcn.notice",  # of a mission that declares no form of its own
        encoding=Encoding.JSON,
        topics=("gcn.notices.*", "gcn.classic.*"),
        recognises=_is_notice,
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
