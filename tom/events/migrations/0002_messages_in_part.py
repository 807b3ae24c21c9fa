import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What of a message could not be used is named; a message can be set aside."""

    dependencies = [
        ("events", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="localization",
            name="left_out",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Figures of its header that cannot be, with the reason",
            ),
        ),
        migrations.AddField(
            model_name="eventlocalization",
            name="set_aside",
            field=models.BooleanField(
                default=False, help_text="With every message that brought it"
            ),
        ),
        migrations.AddField(
            model_name="eventsequence",
            name="left_out",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="What of the message could not be used, with the reason",
            ),
        ),
        migrations.AddField(
            model_name="eventsequence",
            name="is_early",
            field=models.BooleanField(
                default=False,
                help_text="Dated after it was received: it does not rule the chain",
            ),
        ),
        migrations.AddField(
            model_name="eventsequence",
            name="set_aside",
            field=models.DateTimeField(blank=True, help_text="When a person did so", null=True),
        ),
        migrations.AddField(
            model_name="eventsequence",
            name="set_aside_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
