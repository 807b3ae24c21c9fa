"""Targets of private programs are settled anew after the upgrade; of public ones nothing changed."""

from django.db import migrations


def settle_public(apps, schema_editor):
    apps.get_model("targets", "Program").objects.filter(public=True).update(settled="public")


class Migration(migrations.Migration):
    dependencies = [("targets", "0007_audiences")]

    operations = [migrations.RunPython(settle_public, migrations.RunPython.noop)]
