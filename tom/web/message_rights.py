"""Whose are the bytes of a message, and the name of the file that it came in."""

from django.contrib.auth.models import User

from tom.forms.registry import forms
from tom.streams.models import AlertMessage


def may_read_bytes(user: User, found: AlertMessage) -> bool:
    """Bytes that may hold a private program's data are for administrators.

    That is a survey packet, and whatever is not recognised: it may be such a one in another form.
    What its senders tell to the world is open to everybody who may see messages. What came by a
    stream of a group is for its members, and for administrators.
    """
    if found.group_id is not None:
        return user.is_superuser or found.group_id in _groups_of(user)
    form = forms().get(found.kind)
    return user.is_superuser or (form is not None and form.is_open)


def _groups_of(user: User) -> frozenset[int]:
    """The keys of a person's groups, asked for once in a request: a page has many messages."""
    if "message_groups" not in user.__dict__:
        user.__dict__["message_groups"] = frozenset(user.groups.values_list("pk", flat=True))
    known: frozenset[int] = user.__dict__["message_groups"]
    return known


def hide_name(found: AlertMessage, user: User) -> AlertMessage:
    """Take a file's name away where its bytes are not the user's to read: it may name an object.

    In memory alone: never save such a message.
    """
    if not may_read_bytes(user, found):
        found.name = ""
    return found
