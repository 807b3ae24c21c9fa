"""Kept messages of groups name their streams, so that a replay reads them."""

from typing import Any

from django.db import migrations


def name_streams(apps: Any, _schema_editor: Any) -> None:
    """Name the stream that a group's kept messages came by, where it still reads their topic."""
    messages = apps.get_model("streams", "AlertMessage").objects.filter(group__isnull=False)
    streams = apps.get_model("streams", "Stream").objects.filter(group__isnull=False)
    for stream in streams.order_by("pk"):
        theirs = messages.filter(stream=None, group=stream.group_id, topic__in=stream.topics)
        theirs.update(stream=stream.pk)


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0017_private_messages"),
    ]

    operations = [
        migrations.RunPython(name_streams, migrations.RunPython.noop, elidable=True),
    ]
