"""Whose are the bytes of a message, and the name of the file that it came in."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from tom.forms.registry import forms
from tom.streams.models import AlertMessage, Stream

FOR_ITS_GROUP = "said to the members of its group alone"


def may_read_bytes(user: User, found: AlertMessage) -> bool:
    """Bytes that may hold a private program's data are for administrators.

    That is a survey packet, and whatever is not recognised: it may be such a one in another form.
    What its senders tell to the world is open to everybody who may see messages. What came by a
    stream of a group is for its members, and for administrators. While it is moved to another
    group, it is for those who are in both.
    """
    if found.group_id is not None:
        return user.is_superuser or _owners_of(found, user) <= _groups_of(user)
    form = forms().get(found.kind)
    return user.is_superuser or (form is not None and form.is_open)


def _owners_of(found: AlertMessage, user: User) -> set[int | None]:
    """The group of a message, and that of its stream now; asked for once in a request."""
    if "stream_groups" not in user.__dict__:
        user.__dict__["stream_groups"] = dict(Stream.objects.values_list("pk", "group"))
    moved_to = user.__dict__["stream_groups"].get(found.stream)
    return {found.group_id} if moved_to is None else {found.group_id, moved_to}


def _groups_of(user: User) -> frozenset[int]:
    """The keys of a person's groups, asked for once in a request: a page has many messages."""
    if "message_groups" not in user.__dict__:
        user.__dict__["message_groups"] = frozenset(user.groups.values_list("pk", flat=True))
    known: frozenset[int] = user.__dict__["message_groups"]
    return known


def with_reasons(messages: QuerySet[AlertMessage], user: User) -> QuerySet[AlertMessage]:
    """Leave out the messages of which the user may not know what was wrong with them.

    What is wrong with a group's message may tell what is in it.
    """
    if user.is_superuser:
        return messages
    mine = _groups_of(user)
    of_others = Stream.objects.filter(group__isnull=False).exclude(group__in=mine).values("pk")
    own = Q(group__in=mine) & (Q(stream=None) | ~Q(stream__in=of_others))
    return messages.filter(Q(group=None) | own)


def hide_name(found: AlertMessage, user: User) -> AlertMessage:
    """Take away what may name an object, where the bytes are not the user's to read.

    That is a file's name and, of a group's message, what was wrong with it.

    In memory alone: never save such a message.
    """
    if not may_read_bytes(user, found):
        found.name = ""
        if found.group_id is not None:
            found.sha256, found.reason = "", found.reason and FOR_ITS_GROUP
    return found
