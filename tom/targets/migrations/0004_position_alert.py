from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("targets", "0003_point_identity")]

    operations = [
        migrations.AddField(
            model_name="targetsummary",
            name="position_time",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="targetsummary",
            name="position_alert",
            field=models.CharField(blank=True, db_default="", max_length=80),
        ),
    ]
