"""Members of a list that are drawn at random each night."""

import django.core.validators
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('strategies', '0006_choices'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='strategy',
            name='explore',
            field=models.FloatField(blank=True, default=0.0, help_text="The share, 0 to 1, of a night's looks at a list without an event that goes to targets drawn at random from all of it. 0 or empty: none are drawn.", validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)]),
        ),
        migrations.AddConstraint(
            model_name='strategy',
            constraint=models.CheckConstraint(condition=models.Q(('explore__gte', 0), ('explore__lte', 1)), name='strategies_explore'),
        ),
    ]
