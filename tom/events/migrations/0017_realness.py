"""Whether a map of a gravitational wave looks real."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0016_prepared_maps'),
    ]

    operations = [
        migrations.CreateModel(
            name='Realness',
            fields=[
                ('localization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='realness', serialize=False, to='events.localization')),
                ('model', models.CharField(help_text='Its name and version; another makes it due', max_length=64)),
                ('refusal', models.CharField(blank=True, help_text='Why it says nothing', max_length=200)),
                ('score', models.FloatField(blank=True, help_text='0 to 1, near 1 like a merger', null=True)),
                ('false_alarms', models.FloatField(blank=True, help_text='The share of noise that scores more', null=True)),
                ('misses', models.FloatField(blank=True, help_text='The share of mergers that score less', null=True)),
                ('stored', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('refusal', ''), ('score__range', (0, 1))), models.Q(models.Q(('refusal', ''), _negated=True), ('score', None)), _connector='OR'), name='events_realness_score_or_refusal')],
            },
        ),
    ]
