import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("candidates", "0004_first_verdicts")]

    operations = [
        migrations.AddField("eventcandidate", "is_public", models.BooleanField(db_default=True, default=True)),
        migrations.CreateModel(
            name="CandidateStanding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credible_level_2d", models.FloatField(blank=True, null=True)),
                ("credible_level_3d", models.FloatField(blank=True, null=True)),
                ("probdensity", models.FloatField(blank=True, help_text="1/sr", null=True)),
                ("rank", models.PositiveIntegerField(blank=True, null=True)),
                ("posterior", models.FloatField(blank=True, null=True)),
                ("posterior_low", models.FloatField(blank=True, null=True)),
                ("posterior_high", models.FloatField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("programs", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("candidate", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="standings", to="candidates.eventcandidate")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("candidate", "programs"), name="candidates_standing_once")
                ]
            },
        ),
    ]
