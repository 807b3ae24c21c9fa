from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0003_place_by_rank")]

    operations = [
        migrations.AddIndex(
            "rankedcandidate",
            models.Index(fields=["ranking", "rank"], include=("candidate", "programs"), name="scoring_place_ranks"),
        ),
        migrations.RemoveIndex("rankedcandidate", "scoring_place_by_rank"),
    ]
