"""An index that finds a part of a host's name, of the targets that have a host."""

from django.db import migrations

# Few targets have one: a row without a host costs nothing.
INDEX = """
    CREATE INDEX targets_summary_host_pieces ON targets_targetsummary
    USING gin (targets_pieces(host_name)) WHERE host_name <> ''
"""


class Migration(migrations.Migration):

    dependencies = [
        ("targets", "0035_plan_of_notes"),
    ]

    operations = [
        migrations.RunSQL(INDEX, "DROP INDEX targets_summary_host_pieces"),
    ]
