"""What is said of a name that another list has."""
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('strategies', '0012_watched'),
    ]

    operations = [
        migrations.AlterField(
            model_name='strategy',
            name='name',
            field=models.CharField(error_messages={'unique': 'Another list has this name: choose another one.'}, max_length=64, unique=True),
        ),
    ]
