"""Members of a list that are drawn at random each night."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ranking', '0010_comparisons'),
        ('strategies', '0007_explore'),
        ('tom_targets', '0031_basetarget_shared_by_basetarget_shared_from'),
    ]

    operations = [
        migrations.CreateModel(
            name='Exploration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('night', models.DateField(help_text='The date of its evening')),
                ('propensity', models.FloatField(help_text='The chance with which each member was drawn, 0 to 1')),
                ('members', models.PositiveIntegerField(help_text='How many there were to draw from')),
                ('seed', models.CharField(max_length=32)),
                ('created', models.DateTimeField(default=django.utils.timezone.now)),
                ('strategy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='strategies.strategy')),
            ],
        ),
        migrations.CreateModel(
            name='Drawn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tom_targets.basetarget')),
                ('exploration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drawn', to='ranking.exploration')),
            ],
        ),
        migrations.AddConstraint(
            model_name='exploration',
            constraint=models.UniqueConstraint(fields=('strategy', 'night'), name='ranking_one_draw_a_night'),
        ),
        migrations.AddConstraint(
            model_name='exploration',
            constraint=models.CheckConstraint(condition=models.Q(('propensity__gt', 0), ('propensity__lte', 1)), name='ranking_propensity'),
        ),
        migrations.AddConstraint(
            model_name='drawn',
            constraint=models.UniqueConstraint(fields=('exploration', 'target'), name='ranking_drawn_once'),
        ),
    ]
