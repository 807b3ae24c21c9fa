"""Keep what notes the summaries of targets from comparing each row with each other row.

See `candidates/migrations/0019_plan_of_notes.py`.
"""

from django.db import migrations

FUNCTIONS = ("targets_targetsummary_note_changed", "targets_audiencesummary_note_changed")


class Migration(migrations.Migration):
    dependencies = [("targets", "0034_pieces_of_names")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {function}() SET enable_nestloop = off",
            f"ALTER FUNCTION {function}() RESET enable_nestloop",
        )
        for function in FUNCTIONS
    ]
