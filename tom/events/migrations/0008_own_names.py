from django.db import migrations


class Migration(migrations.Migration):
    """Every event has the key of its own name among its names, those of before too."""

    dependencies = [
        ('events', '0007_senders_of_maps'),
    ]

    operations = [
        migrations.RunSQL(
            r"""
            UPDATE events_nonlocalizedevent
            SET names = names || to_jsonb(regexp_replace(upper(event_id), '[^A-Z0-9.+]', '', 'g'))
            WHERE NOT names @> to_jsonb(regexp_replace(upper(event_id), '[^A-Z0-9.+]', '', 'g'))
            """,
            migrations.RunSQL.noop,
        ),
    ]
