"""The first rules, one per kind of event."""

from django.db import migrations

# Days before and after the event in which a candidate must have shone; None: no window.
WINDOWS = {
    "gw": (1.0, 14.0),
    "grb": (0.1, 30.0),
    "neutrino": (365.0, 30.0),
    "frb": (None, None),
    "unknown": (1.0, 14.0),
}


def add_rules(apps, schema_editor):
    rule = apps.get_model("candidates", "CandidateRule")
    for kind, (before, after) in WINDOWS.items():
        rule.objects.get_or_create(
            kind=kind, defaults={"days_before": before, "days_after": after}
        )


class Migration(migrations.Migration):
    dependencies = [("candidates", "0001_initial")]
    operations = [migrations.RunPython(add_rules, migrations.RunPython.noop)]
