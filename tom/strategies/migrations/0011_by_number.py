"""Lists in the order of a scorer's number."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategies', '0010_first_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='strategy',
            name='by',
            field=models.CharField(blank=True, default='', help_text='A scorer whose number puts a list without an event in order. Empty: the chance of what is sought.', max_length=64),
        ),
        migrations.AddField(
            model_name='strategy',
            name='within',
            field=models.CharField(blank=True, default='', help_text='A scorer that says of which class each target is: its number is compared with those of its class. Empty: with none.', max_length=64),
        ),
    ]
