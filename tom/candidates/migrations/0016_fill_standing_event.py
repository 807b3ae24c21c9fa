from django.db import migrations

FILL = """
    UPDATE candidates_candidatestanding k SET event_id = c.event_id
    FROM candidates_eventcandidate c WHERE c.id = k.candidate_id AND k.event_id IS NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('candidates', '0015_standing_event'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
