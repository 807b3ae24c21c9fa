"""Candidates keep the logarithms of their weights: chances are made of them for each reader."""

from django.db import migrations

TABLES = ("candidates_eventcandidate", "candidates_candidatestanding")
COLUMNS = ("log_weight", "log_weight_low", "log_weight_high")
LOG_ODDS = "ln(greatest({0}, 1e-300) / greatest(1 - {0}, 1e-16))"
CHANCE = "1 / (1 + exp(-greatest(least({0}, 600), -600)))"


def _convert(formula):
    return [
        f"UPDATE {table} SET {', '.join(f'{name} = {formula.format(name)}' for name in COLUMNS)}"
        " WHERE log_weight IS NOT NULL"
        for table in TABLES
    ]


class Migration(migrations.Migration):
    dependencies = [("candidates", "0020_told_candidates")]

    operations = [
        migrations.RenameField(model, f"posterior{end}", f"log_weight{end}")
        for model in ("eventcandidate", "candidatestanding")
        for end in ("", "_low", "_high")
    ] + [migrations.RunSQL(_convert(LOG_ODDS), _convert(CHANCE))]
