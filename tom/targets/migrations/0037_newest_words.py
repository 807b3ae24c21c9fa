"""Keep what brokers last said of each object in words that an index finds."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

# The newest words of some objects, by program: of `asked`, a query for their keys. A class that is
# no class of ours is empty, and no word.
NEWEST = """
    SELECT survey, object_id, array_agg(DISTINCT word) AS words FROM (
        SELECT DISTINCT ON (c.survey, c.object_id, c.author, c.classifier, c.program_id)
            c.survey, c.object_id, c.author, nullif(c.says, '') AS says,
            coalesce(c.program_id::text, '') AS program
        FROM targets_classification c JOIN ({asked}) a USING (survey, object_id)
        WHERE NOT c.is_test
        ORDER BY c.survey, c.object_id, c.author, c.classifier, c.program_id, c.time DESC, c.id DESC
    ) k CROSS JOIN LATERAL (VALUES
        ('|' || author || '|' || program), (says || '||' || program),
        (says || '|' || author || '|' || program)
    ) w (word)
    WHERE word IS NOT NULL GROUP BY survey, object_id
"""
ADDED = "SELECT DISTINCT survey, object_id FROM added WHERE NOT is_test"
# The rows are locked first, all in one order: of two transactions the later one then reads in a
# statement of its own what the earlier one stored.
KEEP = f"""
    CREATE FUNCTION targets_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO targets_objectwords (survey, object_id, words)
        SELECT survey, object_id, '{{}}' FROM ({ADDED}) a ORDER BY survey, object_id
        ON CONFLICT DO NOTHING;
        PERFORM FROM targets_objectwords w JOIN ({ADDED}) a USING (survey, object_id)
        ORDER BY survey, object_id FOR UPDATE OF w;
        UPDATE targets_objectwords w SET words = n.words FROM ({NEWEST.format(asked=ADDED)}) n
        WHERE (w.survey, w.object_id) = (n.survey, n.object_id) AND w.words <> n.words;
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep_words AFTER INSERT ON targets_classification
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION targets_keep_words();
"""
FORGET = """
    DROP TRIGGER keep_words ON targets_classification;
    DROP FUNCTION targets_keep_words();
"""
BATCH = 20_000
# The next objects of which anything is said, by an index, and their words.
NEXT = """
    SELECT DISTINCT survey, object_id FROM targets_classification
    WHERE (survey, object_id) > (%(survey)s, %(object_id)s)
    ORDER BY survey, object_id LIMIT %(batch)s
"""
FILL = f"""
    WITH asked AS MATERIALIZED ({NEXT}), filled AS (
        INSERT INTO targets_objectwords (survey, object_id, words)
        {NEWEST.format(asked="SELECT survey, object_id FROM asked")}
    )
    SELECT survey, object_id FROM asked ORDER BY survey DESC, object_id DESC LIMIT 1
"""


def fill(apps, schema_editor):
    """Add the words of what is stored already, some objects at a time."""
    last = ("", "")
    with schema_editor.connection.cursor() as cursor:
        while last:
            survey, object_id = last
            values = {"survey": survey, "object_id": object_id, "batch": BATCH}
            cursor.execute(FILL, values)
            last = cursor.fetchone()


class Migration(migrations.Migration):
    dependencies = [("targets", "0036_pieces_of_hosts")]

    operations = [
        migrations.CreateModel(
            name="ObjectWords",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("survey", models.CharField(max_length=16)),
                ("object_id", models.CharField(max_length=100)),
                (
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("survey", "object_id"), name="targets_words_once"
                    )
                ]
            },
        ),
        migrations.AddIndex(
            model_name="classification",
            index=models.Index(
                fields=["program"],
                condition=models.Q(program__isnull=False),
                name="targets_classification_told",
            ),
        ),
        # Before the rows are filled in: who stores meanwhile waits for the end of the migration.
        migrations.RunSQL(KEEP, FORGET),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        migrations.AddIndex(
            model_name="objectwords",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["words"], name="targets_words_said"
            ),
        ),
    ]
