"""What a message of people's says of targets, and which of these are ours."""

from contextlib import suppress
from typing import NamedTuple

from django.contrib.auth.models import User
from django.http import Http404
from tom_targets.base_models import BaseTarget

from tom.formats.errors import MalformedAlertError
from tom.formats.json_text import read_json_fields
from tom.forms.hermes_says import SaidTarget, read_targets
from tom.forms.registry import forms
from tom.records import Text
from tom.streams.models import AlertMessage
from tom.streams.packets import PacketGoneError, PacketStoreError, read_packet
from tom.targets.search import find_exactly
from tom.targets.visible import visible_targets
from tom.web.known import programs_of
from tom.web.message_rights import may_read_bytes
from tom.web.permissions import VIEW_MESSAGES


class Said(NamedTuple):
    """A target that a message names, and ours of that name; None: the reader sees none."""

    told: SaidTarget
    ours: BaseTarget | None


def said_in(message: AlertMessage, payload: bytes, user: User) -> list[Said]:
    """What a message says of targets, of whose bytes the reader may know; mostly nothing."""
    told = _read(message, payload)
    names = {name for each in told for name in (each.name, *each.aliases)}
    if not names:
        return []
    found = find_exactly(visible_targets(user), sorted(names), programs_of(user))
    ours: dict[str, BaseTarget] = {}
    for target in found.prefetch_related("aliases").order_by("-pk"):
        known = (target.name, *(alias.name for alias in target.aliases.all()))
        ours |= {name.lower(): target for name in known}
    return [Said(each, _first(ours, each)) for each in told]


def _first(ours: dict[str, BaseTarget], told: SaidTarget) -> BaseTarget | None:
    names = (told.name, *told.aliases)
    return next((ours[name.lower()] for name in names if name.lower() in ours), None)


def _read(message: AlertMessage, payload: bytes) -> list[SaidTarget]:
    form = forms().get(message.kind)
    if form is None or form.record is not Text:
        return []
    try:
        content = read_json_fields(payload)
    except MalformedAlertError:
        return []
    return [] if content is None else read_targets(content)


def photometry_in(pk: int, name: str, user: User) -> str:
    """The table of what a message tells of the target that it gives this name.

    Raises Http404 where there is no such message, or table, that the user may read.
    """
    message = AlertMessage.objects.filter(pk=pk, retracted=None).first()
    told: list[SaidTarget] = []
    if message is not None and user.has_perm(VIEW_MESSAGES) and may_read_bytes(user, message):
        with suppress(PacketGoneError, PacketStoreError):
            told = _read(message, read_packet(message))
    for each in told:
        if each.name == name and each.rows:
            return each.table
    why = f"message {pk} tells no photometry of {name!r} that you may use"
    raise Http404(why)
