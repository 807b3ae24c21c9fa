"""Events that are one physical event are joined, and taken apart again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ORIGIN = "The event that it came with, if that one was joined to its event"


def origin() -> models.ForeignKey:
    return models.ForeignKey(
        "events.nonlocalizedevent",
        null=True,
        blank=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        help_text=ORIGIN,
    )


def user(**fields: object) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        **fields,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0014_senders_of_messages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "nonlocalizedevent",
            "joined_to",
            models.ForeignKey(
                "events.nonlocalizedevent",
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                db_index=False,
                help_text="The event that this one is the same as, by a join that stands",
            ),
        ),
        migrations.AddIndex(
            "nonlocalizedevent",
            models.Index(
                fields=["joined_to"],
                condition=~models.Q(joined_to=None),
                name="events_event_joined",
            ),
        ),
        migrations.AddField("eventsequence", "origin", origin()),
        migrations.AddField("eventlocalization", "origin", origin()),
        migrations.RemoveConstraint("eventsequence", "events_sequence_once"),
        migrations.AddConstraint(
            "eventsequence",
            models.UniqueConstraint(
                fields=["event", "origin", "sender", "alert_type", "time_created"],
                name="events_sequence_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RemoveConstraint("eventlocalization", "events_localization_once"),
        migrations.AddConstraint(
            "eventlocalization",
            models.UniqueConstraint(
                fields=["event", "origin", "sender", "product", "time", "localization"],
                name="events_localization_once",
                nulls_distinct=False,
            ),
        ),
        migrations.CreateModel(
            "EventJoin",
            [
                ("id", models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    )),
                (
                    "names",
                    models.JSONField(
                        default=list, help_text="Keys of the kept event's names before"
                    ),
                ),
                (
                    "moved",
                    models.JSONField(
                        default=dict,
                        help_text="What moved beside messages and maps, with where it was before",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("parted", models.DateTimeField(null=True, blank=True)),
                ("by", user(help_text="None: a message that names both")),
                ("parted_by", user()),
                (
                    "kept",
                    models.ForeignKey(
                        "events.nonlocalizedevent",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="joins",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        "events.nonlocalizedevent",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="joins_as_other",
                    ),
                ),
            ],
            options={"ordering": ("-pk",)},
        ),
        migrations.AddConstraint(
            "eventjoin",
            models.UniqueConstraint(
                fields=["other"],
                condition=models.Q(parted=None),
                name="events_join_stands_once",
            ),
        ),
        migrations.AddConstraint(
            "eventjoin",
            models.CheckConstraint(
                condition=~models.Q(kept=models.F("other")), name="events_join_of_two"
            ),
        ),
    ]
