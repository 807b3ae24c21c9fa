from django.db import migrations


class Migration(migrations.Migration):
    """Each circular's newest version is among its versions, those of before too."""

    dependencies = [
        ('events', '0010_circular_versions'),
    ]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO events_circularversion (circular_id, version, message_id)
            SELECT DISTINCT ON (message_id) id, version, message_id FROM events_circular
            ORDER BY message_id, id
            """,
            migrations.RunSQL.noop,
        ),
    ]
