"""Rankings are a stage of their own: nothing of the tables changes here."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0007_moments"), ("ranking", "0001_move")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="RankedCandidate"),
                migrations.DeleteModel(name="Ranking"),
            ]
        )
    ]
