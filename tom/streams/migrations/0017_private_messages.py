"""Private messages name their stream; the same bytes may come for other readers, too."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0016_plain_help_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertmessage",
            name="stream",
            field=models.BigIntegerField(
                blank=True,
                help_text="The key of that stream, which may be deleted meanwhile",
                null=True,
            ),
        ),
        migrations.RemoveIndex(
            model_name="alertmessage",
            name="streams_message_group",
        ),
        migrations.AddIndex(
            model_name="alertmessage",
            index=models.Index(
                condition=models.Q(("group__isnull", False)),
                fields=["stream", "group"],
                name="streams_message_private",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="alertmessage",
            name="streams_message_content",
        ),
        migrations.AddConstraint(
            model_name="alertmessage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_repeat", False)),
                fields=("topic", "sha256", "group"),
                name="streams_message_content",
                nulls_distinct=False,
            ),
        ),
    ]
