"""Fill in what the classifications that are stored already say."""

from django.db import migrations

FILL = """
    UPDATE targets_classification c SET says = f.says
    FROM (
        SELECT DISTINCT ON (k.id) k.id, coalesce(k.classes ->> e.key, '') AS says
        FROM targets_classification k
        CROSS JOIN LATERAL jsonb_each_text(k.probabilities) e
        WHERE e.value::float8 >= 0.5
        ORDER BY k.id, e.value::float8 DESC, e.key COLLATE "C" DESC
    ) f
    WHERE c.id = f.id AND f.says <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("targets", "0021_classification_says")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
