"""What a strategy says is its first version: nobody knows who chose it, and when."""

from django.db import migrations

SETTINGS = (
    *("name", "kind", "sought", "prior", "weights", "terms", "days_before", "days_after"),
    *("level_stored", "level_shown", "brighter_than", "first_seen_days"),
    *("ra", "dec", "radius_deg", "with_tests", "explore", "active"),
)


def keep_first_versions(apps, schema_editor):
    strategies = apps.get_model("strategies", "Strategy").objects
    versions = apps.get_model("strategies", "StrategyVersion").objects
    for row in strategies.filter(versions=None).order_by("pk"):
        chosen = {name: getattr(row, name) for name in SETTINGS} | {"group": row.group_id}
        versions.create(strategy=row, number=1, chosen=chosen)


class Migration(migrations.Migration):
    dependencies = [("strategies", "0009_versions")]
    operations = [migrations.RunPython(keep_first_versions, migrations.RunPython.noop)]
