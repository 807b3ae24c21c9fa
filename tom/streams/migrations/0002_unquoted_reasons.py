"""Take what earlier versions quoted of messages out of their reasons: private ones may be there."""

import re

from django.db import migrations

BATCH = 1000
# What all who read messages may read whole; nothing that is quoted of these is private.
OPEN = (
    *("igwn.json", "igwn.avro", "gcn.circular", "gcn.notice", "heartbeat"),
    *("hermes", "hopskotch.text"),
)
# What an earlier version wrote, and what is left of it.
CUTS = [
    (r"no usable objectId: '.*", "no usable objectId"),
    (r"no usable position: ra .*", "no usable position"),
    (r"no usable detection: candid .*", "no usable detection"),
    (r"its detection is of \S+, after the message was received", "its detection is of a time after the message was received"),
    (r"(plain text): .*", r"\1"),
    (r"(a JSON (?:text|number|truth value)): .*", r"\1"),
    (r", begins with .*", ""),
    (r"(with ivorn [^#]*)#.*", r"\1"),
    (r"(a reference to a message kept) at .*", r"\1 elsewhere"),
    (r"(a JSON object|a JSON or Avro schema) with keys .*", r"\1"),
    (r"(Avro record does not fit its schema: \w+): .*", r"\1"),
    # The class of an error stays, its words go.
    (r"((?:failed \d+ times: )?\b(?!OperationalError)\w+(?:Error|Exception)): .*", r"\1: see the worker's log"),
]  # fmt: skip
RULES = [(re.compile(old, re.DOTALL), new) for old, new in CUTS]


def unquote(reason):
    for pattern, new in RULES:
        reason = pattern.sub(new, reason)
    return reason


def clean_reasons(apps, schema_editor):
    messages = apps.get_model("streams", "AlertMessage").objects
    rows = messages.exclude(kind__in=OPEN).exclude(reason="").exclude(state="known")
    changed = []
    for row in rows.only("pk", "reason").order_by("pk").iterator(BATCH):
        reason = unquote(row.reason)
        if reason != row.reason:
            row.reason = reason
            changed.append(row)
        if len(changed) == BATCH:
            messages.bulk_update(changed, ["reason"])
            changed = []
    messages.bulk_update(changed, ["reason"])


class Migration(migrations.Migration):
    dependencies = [("streams", "0001_initial")]
    operations = [migrations.RunPython(clean_reasons, migrations.RunPython.noop)]
