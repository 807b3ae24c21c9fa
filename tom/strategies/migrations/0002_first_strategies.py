"""The rules of the kinds of events as strategies, and the first lists without an event."""

from django.db import migrations

NAMES = {
    "gw": "Counterparts of gravitational waves",
    "grb": "Counterparts of gamma-ray bursts",
    "neutrino": "Counterparts of neutrinos",
    "frb": "Counterparts of fast radio bursts",
    "unknown": "Counterparts of unidentified events",
}
KEPT = ("level_stored", "level_shown", "days_before", "days_after")
TERMS = ["star", "minor planet"]
# Before all evidence a target in these lists is as much sought as not.
EVEN = 0.5
LISTS = {
    "Bright transients": {"brighter_than": 18.5, "days_before": 7.0, "prior": EVEN},
    "Infants": {"first_seen_days": 3.0, "days_before": 3.0, "prior": EVEN},
}


def add_strategies(apps, schema_editor):
    rules = apps.get_model("candidates", "CandidateRule").objects.all()
    strategies = apps.get_model("strategies", "Strategy").objects
    for rule in rules:
        kept = {name: getattr(rule, name) for name in KEPT}
        strategies.create(name=NAMES.get(rule.kind, rule.kind), kind=rule.kind, **kept)
    for name, fields in LISTS.items():
        strategies.create(name=name, sought=["transient"], terms=TERMS, **fields)


def write_rules(apps, schema_editor):
    rules = apps.get_model("candidates", "CandidateRule").objects
    strategies = apps.get_model("strategies", "Strategy").objects
    for strategy in strategies.exclude(kind=""):
        kept = {name: getattr(strategy, name) for name in KEPT}
        rules.update_or_create(kind=strategy.kind, defaults=kept)
    strategies.all().delete()


class Migration(migrations.Migration):
    dependencies = [("strategies", "0001_initial"), ("candidates", "0012_fewer_indexes")]
    operations = [migrations.RunPython(add_strategies, write_rules)]
