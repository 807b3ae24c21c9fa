"""Einstein Probe's wide-field X-ray telescope: GCN's JSON notices of its on-board triggers.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/einstein_probe/wxt/alert.schema.json
These notices alone are public. What the mission's own service tells is for those who have a log-in
there: whatever comes on its topics is private, and nothing reads it.

No error is added to the circles: their notices state none apart, and we found no published one.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from tom.formats.describe import is_schema
from tom.formats.errors import MalformedAlertError
from tom.forms.declared import Encoding, Figure, Form, Mission
from tom.forms.gcn_core import core_of, read_message
from tom.records import Notice
from tom.records.notice import NoticeType

_NAME: Final = "Einstein Probe"
_NUMBER: Final = re.compile(r"[0-9]{6,16}")
_SCHEMA: Final = "/notices/einstein_probe/wxt/"


def read_notice(payload: bytes) -> Notice:
    """Read a notice of a trigger. It says neither what it is in a chain nor when it was sent.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or lacks its time or its number. Retrying cannot help.
    """
    content = read_message(payload)
    # It has one message: an event is not told again.
    told = {"alert_type": "initial", "alert_datetime": content.get("trigger_time"), **content}
    core = core_of(told)
    names = tuple(f"EP-WXT-{name}" for name in core.id if _NUMBER.fullmatch(name))
    if not names:
        reason = "no number of a trigger"
        raise MalformedAlertError(reason)
    return Notice(
        sender=_NAME,
        kind="unknown",
        names=names,
        type=core.type,
        time=core.alert_datetime,
        event_time=core.trigger_time,
        instruments=("WXT",),
        position=None if core.type is NoticeType.RETRACTION else core.position("WXT"),
        addresses=core.addresses,
        facts=core.facts,
        test_reasons=core.test_reasons,
        left_out=core.left_out,
    )


def _is_ours(message: Mapping[str, Any]) -> bool:
    return not is_schema(message) and _SCHEMA in str(message.get("$schema"))


EINSTEIN_PROBE: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="gcn.einstein_probe.wxt",
            encoding=Encoding.JSON,
            record=Notice,
            topics=("gcn.notices.einstein_probe.wxt*",),
            recognises=_is_ours,
            keys=(_SCHEMA.encode(),),
            parse=read_notice,
            is_open=True,
        ),
    ),
    event_names=(r"ep-wxt-\d{6,16}",),
    private_topics=(r"(?:einstein[._-]?probe|ep)[._-].*",),
    figures=(
        Figure("Signal to noise of the image", ("image_snr",)),
        Figure("Net count rate", ("net_count_rate",), "counts/s"),
    ),
)
