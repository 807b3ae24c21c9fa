"""Requests take the outbox's columns: two are renamed, and what is being sent has a deadline."""

from datetime import timedelta

from django.db import migrations, models
from django.db.models import F, Q

DEADLINE = timedelta(seconds=90)
LIVE = [
    "accepted",
    "approved",
    "cancel_requested",
    "held",
    "in_progress",
    "proposed",
    "retry_at",
    "scheduled",
    "submitting",
    "unknown",
]


def set_deadline(apps, schema_editor):
    sending = apps.get_model("followup", "ObservationRequest").objects.filter(state="submitting")
    sending.filter(tried_at__isnull=False).update(due_at=F("tried_at") + DEADLINE)


class Migration(migrations.Migration):
    dependencies = [("followup", "0004_private_requests")]
    operations = [
        migrations.RemoveIndex(model_name="observationrequest", name="followup_request_due"),
        migrations.RenameField(
            model_name="observationrequest", old_name="retry_at", new_name="due_at"
        ),
        migrations.RenameField(
            model_name="observationrequest", old_name="sent", new_name="tried_at"
        ),
        migrations.AlterField(
            model_name="observationrequest",
            name="due_at",
            field=models.DateTimeField(
                blank=True, help_text="When the outbox looks at it again; none: at once", null=True
            ),
        ),
        migrations.AlterField(
            model_name="observationrequest",
            name="tried_at",
            field=models.DateTimeField(blank=True, help_text="When it was last being sent", null=True),
        ),
        migrations.AddIndex(
            model_name="observationrequest",
            index=models.Index(
                condition=Q(("state__in", LIVE)),
                fields=["state", "due_at"],
                name="followup_request_due",
            ),
        ),
        migrations.RunPython(set_deadline, migrations.RunPython.noop),
    ]
