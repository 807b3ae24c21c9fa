"""What form a message has: from its topic, or from its content."""

from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from tom.formats import containers, framed
from tom.formats.describe import read_json_object
from tom.formats.errors import MalformedAlertError
from tom.formats.voevent import is_xml, read_voevent
from tom.forms.declared import Encoding, Form
from tom.forms.networks import ANY_NOTICE, FILE_TOPIC, HOPSKOTCH_TEXT, UNKNOWN
from tom.forms.registry import forms, senders
from tom.forms.topics import is_private_topic
from tom.records import Classification

_BINARY = frozenset({Encoding.AVRO, Encoding.FRAMED})
_MOST_LACKING = 6
ZLIB = b"x"
"""How what zlib compressed begins."""


def identify(topic: str, payload: bytes) -> str:
    """Name the form of a message, or `unknown`. Never raises: damage is for the parser to find.

    Parameters
    ----------
    topic
        The topic it came on; `FILE_TOPIC` for a file.
    payload
        Its bytes. On a topic whose terms are private nothing is recognised: a page, a target or
        a notification that came of it would show it to everybody.
    """
    if is_private_topic(topic):
        return UNKNOWN
    own = _forms_of_topic(topic)
    if own:
        return _form_of_topic(own, payload).name
    if _encoding(payload) in _BINARY:
        form = _form_of_binary(payload)
        return form.name if form and (form.anywhere or topic == FILE_TOPIC) else UNKNOWN
    if is_xml(payload):
        usable = [form for form in _xml_forms() if form.anywhere or topic == FILE_TOPIC]
        found = _form_of_xml(usable, payload)
        return found.name if found else UNKNOWN
    return _identify_json(topic, payload)


def claims(name: str, payload: bytes) -> bool:
    """Say whether a payload is of this form by its own looks, damaged or not.

    Anybody may send anything on a topic: what does not even look like a message of its form is
    no damaged one.
    """
    form = forms().get(name)
    if form is None:
        return False
    if form.encoding is Encoding.BSON:
        return payload.startswith(ZLIB)
    if form.encoding in _BINARY or _encoding(payload) in _BINARY:
        if form.encoding is not _encoding(payload):
            return False
        return form.encoding is Encoding.FRAMED or _container_claims(form, payload)
    if form.encoding is Encoding.XML or is_xml(payload):
        return form.encoding is _encoding(payload) and any(key in payload for key in form.keys)
    if payload.removeprefix(BOM_UTF8).lstrip()[:1] not in (b"{", b"["):
        return False
    if any(key in payload for key in form.keys):
        return True
    message = read_json_object(payload)
    return message is not None and form.recognises(message)


def has_form(topic: str) -> bool:
    """Say whether a form is known of what comes on a topic, and something reads it."""
    return any(form.parse is not None for form in _forms_of_topic(topic))


def tell_missing(payload: bytes) -> str:
    """Say what a container lacks that bears a sender's name and is in none of its forms, or ""."""
    try:
        schema = containers.read_schema(containers.read_header(payload).schema)
    except MalformedAlertError:
        return ""
    owner = senders().get(schema.name.partition(".")[0].lower())
    wanted = [form.fields for form in owner.forms if form.fields] if owner else []
    lacks = [list(_lacking(schema, fields)) for fields in wanted]
    fewest = min(lacks, key=len, default=[])[:_MOST_LACKING]
    return f"it lacks {', '.join(fewest)}" if fewest else ""


def _lacking(
    schema: containers.WriterSchema, fields: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for name, inner in fields.items():
        if name not in schema.fields:
            yield name
        else:
            yield from (f"{name}.{each}" for each in sorted(set(inner) - schema.fields[name]))


def _encoding(payload: bytes) -> Encoding:
    if payload.startswith(containers.MAGIC):
        return Encoding.AVRO
    if is_xml(payload):
        return Encoding.XML
    return Encoding.JSON if framed.schema_id(payload) is None else Encoding.FRAMED


@lru_cache(maxsize=1024)
def _forms_of_topic(topic: str) -> tuple[Form, ...]:
    return tuple(
        form
        for form in forms().values()
        if any(fnmatchcase(topic, pattern) for pattern in form.topics)
    )


def _form_of_topic(own: Sequence[Form], payload: bytes) -> Form:
    """Choose among the forms of a topic by how the bytes are written, and of XML by its content."""
    encoding = _encoding(payload)
    usable = [form for form in own if form.encoding is encoding]
    if encoding is Encoding.XML and len(usable) > 1:
        return _form_of_xml(usable, payload) or usable[-1]
    found = next(iter(usable), own[0])
    return (_form_of_notice(payload) or found) if found.name == ANY_NOTICE else found


def _form_of_notice(payload: bytes) -> Form | None:
    """The sender's own form of a notice on a topic for those of any mission.

    A mission may open a topic that it does not declare: its notices tell of the same events.
    """
    message = read_json_object(payload)
    if message is None:
        return None
    own = (form for sender in senders().values() for form in sender.forms)
    known = (form for form in own if form.is_open and form.encoding is Encoding.JSON)
    return next((form for form in known if form.recognises(message)), None)


def _xml_forms() -> list[Form]:
    return [form for form in forms().values() if form.encoding is Encoding.XML]


def _form_of_xml(usable: Sequence[Form], payload: bytes) -> Form | None:
    """The first of these forms that recognises a VOEvent; of a damaged one the last, for any."""
    try:
        voevent = read_voevent(payload)
    except MalformedAlertError:
        return next((each for each in reversed(usable) if claims(each.name, payload)), None)
    return next((form for form in usable if form.recognises(voevent)), None)


def _identify_json(topic: str, payload: bytes) -> str:
    message = read_json_object(payload)
    if message is None:
        return UNKNOWN
    known = [form for form in forms().values() if form.encoding is Encoding.JSON]
    usable = [form for form in known if form.anywhere or topic == FILE_TOPIC]
    found = next((form.name for form in usable if form.recognises(message)), None)
    return found or (UNKNOWN if topic == FILE_TOPIC else HOPSKOTCH_TEXT)


def _container_claims(form: Form, payload: bytes) -> bool:
    """A container whose schema cannot be read may hold anything, so also this."""
    try:
        schema = containers.read_header(payload).schema
        containers.read_schema(schema)
    except MalformedAlertError:
        return True
    return _form_of_schema(schema) is form


def _form_of_binary(payload: bytes) -> Form | None:
    number = framed.schema_id(payload)
    if number is not None:
        known = (form for form in forms().values() if form.encoding is Encoding.FRAMED)
        return next((form for form in known if form.recognises(number)), None)
    try:
        return _form_of_schema(containers.read_header(payload).schema)
    except MalformedAlertError:
        return None


@lru_cache(maxsize=64)
def _form_of_schema(schema: bytes) -> Form | None:
    """The form of containers with this schema.

    One named after a sender is that sender's, or what somebody says of its objects' classes.
    """
    read = containers.read_schema(schema)
    owner = senders().get(read.name.partition(".")[0].lower())
    candidates: Iterable[Form] = forms().values()
    if owner:
        said = (form for form in candidates if form.record is Classification)
        candidates = (*owner.forms, *said)
    known = (form for form in candidates if form.encoding is Encoding.AVRO)
    return next((form for form in known if form.recognises(read)), None)
