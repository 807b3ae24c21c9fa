import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("candidates", "0023_verdicts_in_lists"),
        ("tom_targets", "0031_basetarget_shared_by_basetarget_shared_from"),
    ]

    operations = [
        migrations.RemoveConstraint("eventcandidate", "candidates_candidate_once"),
        migrations.AddConstraint(
            "eventcandidate",
            models.UniqueConstraint(fields=["target", "event"], name="candidates_candidate_once"),
        ),
        migrations.AlterField(
            "eventcandidate",
            "target",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="candidacies",
                to="tom_targets.basetarget",
            ),
        ),
    ]
