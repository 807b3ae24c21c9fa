"""The versions of strategies."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategies', '0008_sought_of_kinds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StrategyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='From 1; the newest one is in force')),
                ('chosen', models.JSONField(help_text='Each field that people choose; a group by its key')),
                ('note', models.CharField(blank=True, help_text='Why, if anybody said', max_length=200)),
                ('brings_back', models.PositiveIntegerField(help_text='The number of the version whose settings these are', null=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('strategy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='strategies.strategy')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('strategy', 'number'), name='strategies_one_version')],
            },
        ),
    ]
