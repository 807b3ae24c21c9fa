from django.db import migrations

from tom.forms.event_names import key_of, names_of_circular

BATCH = 500


def link(apps, schema_editor):
    """Note which events each kept circular names, and link those that are not linked yet."""
    event_model = apps.get_model("events", "NonLocalizedEvent")
    circular_model = apps.get_model("events", "Circular")
    events = {key_of(name): pk for pk, name in event_model.objects.values_list("pk", "event_id")}
    changed = []
    for row in circular_model.objects.defer("body").iterator(BATCH):
        row.names = names_of_circular(row.event_name, row.subject)
        if row.event_id is None:
            row.event_id = next((events[name] for name in row.names if name in events), None)
        changed.append(row)
    circular_model.objects.bulk_update(changed, ["names", "event"], batch_size=BATCH)


class Migration(migrations.Migration):
    """Kept circulars are linked by the names that are understood now."""

    dependencies = [("events", "0003_circular_numbers")]

    operations = [migrations.RunPython(link, migrations.RunPython.noop, elidable=True)]
