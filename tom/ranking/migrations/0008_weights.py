"""Places keep the logarithms of weights, and rankings what makes chances of them.

The chances of rankings that are older do not depend on each other: they have no weight of none.
"""

from django.db import migrations, models

ENDS = ("log_weight_low", "log_weight_high")
LOG_ODDS = "ln(greatest({0}, 1e-300) / greatest(1 - {0}, 1e-16))"
CHANCE = "1 / (1 + exp(-greatest(least({0}, 600), -600)))"


def _convert(formula, *, more=""):
    ends = ", ".join(f"{name} = {formula.format(name)}" for name in ENDS)
    return f"UPDATE ranking_rankedcandidate SET {ends}{more}"


class Migration(migrations.Migration):
    dependencies = [("ranking", "0007_plain_help_texts")]

    operations = [
        migrations.AddField(
            "ranking",
            "log_none",
            models.FloatField(
                help_text="Natural logarithm of the weight of “none of these”. Infinite: no candidate can be it. None: a list without an event, whose chances do not depend on each other",
                null=True,
            ),
        ),
        migrations.AddField(
            "ranking",
            "log_sums",
            models.JSONField(
                default=list,
                help_text="Natural logarithms of the sums of the weights of all that some readers see, each with their private programs",
            ),
        ),
        migrations.RemoveIndex("rankedcandidate", "ranking_place_order"),
        migrations.RemoveIndex("rankedcandidate", "ranking_place_in_list"),
        migrations.RenameField("rankedcandidate", "log_odds", "log_weight"),
        migrations.RenameField("rankedcandidate", "posterior_low", "log_weight_low"),
        migrations.RenameField("rankedcandidate", "posterior_high", "log_weight_high"),
        migrations.AlterField(
            "rankedcandidate", "posterior", models.FloatField(default=0.0)
        ),
        migrations.RunSQL(
            _convert(LOG_ODDS),
            _convert(CHANCE, more=f", posterior = {CHANCE.format('log_weight')}"),
        ),
        migrations.RemoveField("rankedcandidate", "posterior"),
        migrations.AlterField(
            "rankedcandidate",
            "log_weight",
            models.FloatField(
                help_text="Natural logarithm of its weight among the event's candidates; in a list without an event, of its odds. The ranking is in this order"
            ),
        ),
        migrations.AlterField(
            "rankedcandidate",
            "log_weight_low",
            models.FloatField(help_text="The lower end of its central 90%"),
        ),
        migrations.AlterField(
            "rankedcandidate",
            "log_weight_high",
            models.FloatField(help_text="The upper end of its central 90%"),
        ),
        migrations.AddIndex(
            "rankedcandidate",
            models.Index(
                fields=["event", "-log_weight"],
                include=["candidate", "programs", "ranking", "until"],
                name="ranking_place_order",
            ),
        ),
        migrations.AddIndex(
            "rankedcandidate",
            models.Index(
                condition=models.Q(("strategy__isnull", False), ("until", None)),
                fields=["strategy", "-log_weight"],
                name="ranking_place_in_list",
            ),
        ),
    ]
