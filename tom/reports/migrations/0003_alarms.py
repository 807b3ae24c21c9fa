"""A call to the people on shift is an alarm; a page is what a browser shows."""

import django.db.models.deletion
from django.db import migrations, models

ONCE = models.UniqueConstraint(fields=["event", "cause"], name="reports_alarm_once")
SENT_ONCE = models.UniqueConstraint(fields=["alarm", "channel"], name="reports_alarmsend_once")


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("reports", "0002_outbox_columns")]

    operations = [
        migrations.RenameModel("Page", "Alarm"),
        migrations.RenameModel("PageSend", "AlarmSend"),
        migrations.RemoveConstraint("alarm", "reports_page_once"),
        migrations.RemoveConstraint("alarmsend", "reports_pagesend_once"),
        migrations.RenameField("alarmsend", "page", "alarm"),
        migrations.AddConstraint("alarm", ONCE),
        migrations.AddConstraint("alarmsend", SENT_ONCE),
        migrations.RenameIndex(
            "alarmsend", old_name="reports_pagesend_due", new_name="reports_alarmsend_due"
        ),
        migrations.AlterModelOptions("alarmsend", {"ordering": ("alarm", "channel")}),
        migrations.AlterField(
            "alarm",
            "event",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="alarms",
                to="events.nonlocalizedevent",
            ),
        ),
    ]
