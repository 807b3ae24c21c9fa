"""What a classification holds its object for, in our own name of the class."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("targets", "0020_tags_and_nameless")]

    operations = [
        migrations.AddField(
            model_name="classification",
            name="says",
            field=models.CharField(blank=True, default="", help_text="Our name of the class that it holds it for", max_length=40),
        ),
        migrations.AddIndex(
            model_name="classification",
            index=models.Index(fields=["says", "author"], name="targets_classification_says"),
        ),
    ]
