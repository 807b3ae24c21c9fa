import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

FIGURES = [
    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
    ("healpix29", models.BigIntegerField(db_index=True, help_text="nested, order 29")),
    ("position_time", models.DateTimeField(blank=True, null=True)),
    ("position_alert", models.CharField(blank=True, db_default="", max_length=80)),
    ("ebv", models.FloatField(blank=True, null=True)),
    ("ebv_error", models.FloatField(blank=True, null=True)),
    ("n_detections", models.PositiveIntegerField(default=0)),
    ("n_limits", models.PositiveIntegerField(default=0)),
    ("first_seen", models.DateTimeField(blank=True, db_index=True, null=True)),
    ("first_detection", models.DateTimeField(blank=True, null=True)),
    ("last_detection", models.DateTimeField(blank=True, db_index=True, null=True)),
    ("last_magnitude", models.FloatField(blank=True, null=True)),
    ("last_band", models.CharField(blank=True, max_length=8)),
    ("peak_magnitude", models.FloatField(blank=True, null=True)),
    ("context_time", models.DateTimeField(blank=True, help_text="Of that alert", null=True)),
    ("context_alert", models.CharField(blank=True, db_default="", help_text="Its id: of two at one time the greater is the newer", max_length=80)),
    ("alert_values", models.JSONField(blank=True, default=dict, help_text="rb, drb, ... as numbers")),
    ("n_survey_detections", models.PositiveIntegerField(blank=True, help_text="How often the survey saw something here, as it says", null=True)),
    ("star_separation_arcsec", models.FloatField(blank=True, null=True)),
    ("star_score", models.FloatField(blank=True, help_text="0 galaxy to 1 star", null=True)),
    ("solar_system_name", models.CharField(blank=True, max_length=100)),
    ("solar_system_separation_arcsec", models.FloatField(blank=True, null=True)),
    ("version", models.PositiveIntegerField(default=1)),
    ("scored_version", models.PositiveIntegerField(default=0)),
    ("programs", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
    ("ra", models.FloatField(null=True)),
    ("dec", models.FloatField(null=True)),
    ("target", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="audience_summaries", to="tom_targets.basetarget")),
]


class Migration(migrations.Migration):
    dependencies = [("targets", "0006_point_upload")]

    operations = [
        migrations.CreateModel(
            name="AudienceSummary",
            fields=FIGURES,
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("target", "programs"), name="targets_audience_once")
                ],
                "indexes": [
                    models.Index(
                        fields=["id"],
                        condition=Q(scored_version__lt=F("version")),
                        name="targets_audience_unscored",
                    )
                ],
            },
        ),
        migrations.AddField("program", "settled", models.CharField(blank=True, db_default="", editable=False, max_length=40)),
        migrations.AddField("program", "settling", models.CharField(blank=True, db_default="", editable=False, max_length=40)),
        migrations.AddField("program", "settled_to", models.BigIntegerField(db_default=0, editable=False)),
        migrations.RemoveConstraint("cutout", "targets_cutout_newest"),
        migrations.AddConstraint(
            "cutout",
            models.UniqueConstraint(fields=("target", "kind", "program"), name="targets_cutout_once"),
        ),
    ]
