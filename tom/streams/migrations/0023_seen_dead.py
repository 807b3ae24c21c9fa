"""A person says of a dead alert that it is seen: then no page tells of it any more."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0022_pubsub"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertmessage",
            name="seen",
            field=models.DateTimeField(
                blank=True,
                help_text="Of a dead alert: when a person said that it is seen",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="alertmessage",
            index=models.Index(
                condition=models.Q(("seen", None), ("state", "dead")),
                fields=["kind", "-received"],
                name="streams_message_unseen",
            ),
        ),
    ]
