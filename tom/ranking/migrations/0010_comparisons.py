"""Comparisons of strategies on past nights."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0009_owned'),
        ('strategies', '0005_plain_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Comparison',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created', models.DateTimeField(default=django.utils.timezone.now, help_text='Its hour is that of each night')),
                ('nights', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(60)])),
                ('k', models.PositiveSmallIntegerField(help_text='So many of the first of each list are looked at', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(50)])),
                ('truth', models.CharField(choices=[('spectra', 'spectra'), ('people', 'people')], max_length=12)),
                ('begun', models.DateTimeField(help_text='When a worker took it up. None: none has it', null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='How often the next night was begun')),
                ('finished', models.DateTimeField(null=True)),
                ('fault', models.TextField(blank=True, help_text='Why it ended early. Empty: it did not')),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='Compared',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('basis', models.CharField(help_text='sha256 of the settings and scorers that it was asked for with', max_length=64)),
                ('nights', models.JSONField(default=list, help_text="What was found, in the order of the comparison's moments")),
                ('strategy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='strategies.strategy')),
                ('comparison', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='ranking.comparison')),
            ],
            options={
                'ordering': ('pk',),
                'constraints': [models.UniqueConstraint(fields=('comparison', 'strategy'), name='ranking_compared_once')],
            },
        ),
    ]
