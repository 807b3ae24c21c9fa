"""Events name the localization that they use: lists sort and filter by its area."""

import django.db.models.deletion
from django.db import migrations, models

# The pinned one; else the smallest of the senders' newest own maps that are not set aside.
FILL = """
    UPDATE events_nonlocalizedevent e SET used_id = coalesce(e.pinned_id, (
        SELECT newest.id FROM (
            SELECT DISTINCT ON (u.sender) u.id, u.sender, l.area_90
            FROM events_eventlocalization u
            JOIN events_localization l ON l.id = u.localization_id
            WHERE u.event_id = e.id AND u.product = 'skymap' AND NOT u.set_aside
            ORDER BY u.sender, u.time DESC, u.author DESC, l.sha256 DESC
        ) newest
        ORDER BY newest.area_90, newest.sender LIMIT 1))
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0012_plain_help_texts")]

    operations = [
        migrations.AddField(
            "nonlocalizedevent",
            "used",
            models.ForeignKey(
                "events.eventlocalization",
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                help_text="The localization that it uses, copied here so that lists read one row",
            ),
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
