"""Keep what notes where candidates lie from comparing each row with each other row.

PostgreSQL plans the function once in a connection, for as many rows as its first call changes. A
plan for a few rows joins them in nested loops: some thousands of rows took over a second.
"""

from django.db import migrations

FUNCTIONS = ("candidates_eventcandidate_note_changed", "candidates_candidatestanding_note_changed")


class Migration(migrations.Migration):
    dependencies = [("candidates", "0018_place_from_index")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {function}() SET enable_nestloop = off",
            f"ALTER FUNCTION {function}() RESET enable_nestloop",
        )
        for function in FUNCTIONS
    ]
