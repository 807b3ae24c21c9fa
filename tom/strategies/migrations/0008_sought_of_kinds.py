"""Bursts are looked for by their afterglows, and neutrinos by what nuclei do.

Of a kind whose strategy still seeks what it was made with: a choice of people's stays.
"""

from django.db import migrations

MADE_WITH = {"sought": ["kilonova"], "terms": [], "weights": {}}
NOW = {
    "grb": {"sought": ["gamma-ray burst afterglow", "kilonova"], "terms": []},
    "neutrino": {"sought": ["tde", "agn"], "terms": ["sky map", "star", "minor planet"]},
}


def seek(apps, schema_editor):
    strategies = apps.get_model("strategies", "Strategy").objects
    for kind, fields in NOW.items():
        strategies.filter(kind=kind, **MADE_WITH).update(**fields)


def seek_as_before(apps, schema_editor):
    strategies = apps.get_model("strategies", "Strategy").objects
    for kind, fields in NOW.items():
        strategies.filter(kind=kind, weights={}, **fields).update(**MADE_WITH)


class Migration(migrations.Migration):
    dependencies = [("strategies", "0007_explore")]
    operations = [migrations.RunPython(seek, seek_as_before)]
