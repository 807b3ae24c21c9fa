"""Rankings name the candidates that are in no sum: a page looks at these alone."""

import django.contrib.postgres.fields
from django.db import migrations, models

FILL = """
UPDATE ranking_ranking AS ranking SET owned = ARRAY(
    SELECT candidate.id FROM candidates_eventcandidate AS candidate
    JOIN tom_targets_basetarget AS target ON target.id = candidate.target_id
    WHERE candidate.event_id = ranking.event_id AND candidate.is_public
    AND target.permissions = 'PRIVATE' ORDER BY candidate.id
)
WHERE ranking.log_none IS NOT NULL AND ranking.id IN (
    SELECT DISTINCT ON (event_id) id FROM ranking_ranking
    WHERE event_id IS NOT NULL ORDER BY event_id, created DESC, id DESC
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("candidates", "0021_weights"),
        ("ranking", "0008_weights"),
        ("tom_targets", "0031_basetarget_shared_by_basetarget_shared_from"),
    ]

    operations = [
        migrations.AddField(
            "ranking",
            "owned",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                default=list,
                help_text="Candidates of private targets, in no sum: who sees them is asked later",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
