from django.db import migrations

from tom.events.regions import regions_of

BATCH = 20
LEVEL = 0.99  # of a kind whose row somebody deleted


def write(apps, schema_editor):
    """Write the regions of every localization that is kept, or the next batch would write all."""
    rules = apps.get_model("candidates", "CandidateRule").objects
    levels = dict(rules.values_list("kind", "level_stored"))
    uses = apps.get_model("events", "EventLocalization").objects
    kinds = uses.values_list("localization", "event__kind").distinct()
    wanted = sorted({(pk, levels.get(kind, LEVEL)) for pk, kind in kinds})
    for first in range(0, len(wanted), BATCH):
        regions_of(wanted[first : first + BATCH])


class Migration(migrations.Migration):
    """Kept maps stand in the index of regions."""

    dependencies = [("candidates", "0008_look"), ("events", "0005_regions")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop, elidable=True)]
