"""Tags of brokers, and an index of the points that came without an id of their survey."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tom.moments


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0003_headers"),
        ("targets", "0019_surroundings"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stored", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, null=True)),
                ("xact", tom.moments.XactField(db_default=tom.moments.ThisXact(), editable=False, null=True)),
                ("survey", models.CharField(max_length=16)),
                ("object_id", models.CharField(max_length=100)),
                ("author", models.CharField(help_text="A broker", max_length=64)),
                ("tag", models.CharField(max_length=60)),
                ("is_test", models.BooleanField(default=False, help_text="It came on a test topic")),
                ("message", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="streams.alertmessage")),
            ],
            options={
                "ordering": ("author", "tag"),
                "constraints": [models.UniqueConstraint(fields=("survey", "object_id", "author", "tag"), name="targets_tag_once")],
            },
        ),
        migrations.RunSQL(
            "CREATE INDEX targets_point_nameless ON targets_lightcurvepoint (target_id, time)"
            " WHERE key LIKE '~%'",
            "DROP INDEX targets_point_nameless",
        ),
    ]
