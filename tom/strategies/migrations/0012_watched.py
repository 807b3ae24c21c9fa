"""Watch lists, and the one of a strategy."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategies', '0011_by_number'),
    ]

    operations = [
        migrations.CreateModel(
            name='WatchList',
            fields=[
                ('digest', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('places', models.JSONField(help_text='Name, right ascension, declination, radius in arcsec')),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.AddField(
            model_name='strategy',
            name='watched',
            field=models.ForeignKey(blank=True, help_text='The places near which a list without an event has its targets. Empty: anywhere.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='strategies.watchlist'),
        ),
    ]
