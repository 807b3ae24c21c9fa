"""Whose are the bytes of a message, and the name of the file that it came in."""

from django.contrib.auth.models import User

from tom.streams.models import AlertMessage
from tom.streams.parsers.kinds import Kind

# What everybody who may see messages may read whole: it is told to the world by its senders.
OPEN_KINDS = frozenset(
    {
        *(Kind.GW_JSON, Kind.GW_AVRO, Kind.CIRCULAR, Kind.GCN_NOTICE, Kind.HEARTBEAT),
        *(Kind.HERMES, Kind.HOPSKOTCH_TEXT),
    }
)


def may_read_bytes(user: User, found: AlertMessage) -> bool:
    """Bytes that may hold a private program's data are for administrators.

    That is a survey packet, and whatever is not recognised: it may be such a one in another form.
    """
    return user.is_superuser or found.kind in OPEN_KINDS


def hide_name(found: AlertMessage, user: User) -> AlertMessage:
    """Take a file's name away where its bytes are not the user's to read: it may name an object.

    In memory alone: never save such a message.
    """
    if not may_read_bytes(user, found):
        found.name = ""
    return found
