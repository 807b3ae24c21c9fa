"""Take rankings over from the stage of scores: the same tables under their own names."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("candidates", "0011_note_facts"),
        ("events", "0005_regions"),
        ("scoring", "0007_moments"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    """
                    ALTER TABLE scoring_ranking RENAME TO ranking_ranking;
                    ALTER TABLE scoring_rankedcandidate RENAME TO ranking_rankedcandidate;
                    """,
                    """
                    ALTER TABLE ranking_ranking RENAME TO scoring_ranking;
                    ALTER TABLE ranking_rankedcandidate RENAME TO scoring_rankedcandidate;
                    """,
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Ranking",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("prior", models.FloatField()),
                        ("scorers", models.JSONField(default=dict)),
                        ("basis", models.JSONField(default=dict)),
                        ("created", models.DateTimeField(auto_now_add=True)),
                        (
                            "event",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rankings",
                                to="events.nonlocalizedevent",
                            ),
                        ),
                        (
                            "localization",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="events.eventlocalization",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["event", "-created"], name="scoring_ranking_newest"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RankedCandidate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "programs",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(),
                                db_default=[],
                                default=list,
                                size=None,
                            ),
                        ),
                        ("rank", models.PositiveIntegerField()),
                        ("posterior", models.FloatField()),
                        ("posterior_low", models.FloatField()),
                        ("posterior_high", models.FloatField()),
                        ("terms", models.JSONField()),
                        (
                            "candidate",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="places",
                                to="candidates.eventcandidate",
                            ),
                        ),
                        (
                            "ranking",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="places",
                                to="ranking.ranking",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("ranking", "candidate", "programs"),
                                name="scoring_place_of_audience_once",
                            )
                        ],
                        "indexes": [
                            models.Index(
                                fields=["ranking", "rank"],
                                include=("candidate", "programs"),
                                name="scoring_place_ranks",
                            )
                        ],
                    },
                ),
            ],
        ),
    ]
