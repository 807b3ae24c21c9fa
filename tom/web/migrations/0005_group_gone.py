"""A group's deletion stands in the record, with the members it had."""

from django.db import migrations, models

KINDS = [
    ("role", "A person's role"),
    ("active", "A person switched off or on"),
    ("member", "A member of a group"),
    ("group_made", "A group made"),
    ("group_name", "A group's name"),
    ("group_gone", "A group deleted"),
    ("program_made", "A program made"),
    ("program", "Who reads a program"),
    ("invitation", "An invitation"),
]


class Migration(migrations.Migration):
    dependencies = [("web", "0004_named_tokens")]

    operations = [
        migrations.AlterField("teamchange", "before", models.TextField(blank=True)),
        migrations.AlterField("teamchange", "kind", models.CharField(choices=KINDS, max_length=16)),
    ]
