"""Which scorer's number put a list in order."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0011_draws'),
    ]

    operations = [
        migrations.AddField(
            model_name='ranking',
            name='by',
            field=models.CharField(blank=True, db_default='', default='', help_text='The scorer whose number put the list in order; empty: chances did', max_length=64),
        ),
        migrations.AlterField(
            model_name='rankedcandidate',
            name='log_weight',
            field=models.FloatField(help_text="Natural logarithm of its weight among the event's candidates; in a list without an event, of its odds, or a scorer's number. The ranking is in this order"),
        ),
    ]
