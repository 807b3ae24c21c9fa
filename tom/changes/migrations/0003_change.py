"""What pages follow is a change: "live" is said of events alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("live", "0002_addresses")]

    operations = [migrations.RenameModel("LiveEvent", "Change")]
