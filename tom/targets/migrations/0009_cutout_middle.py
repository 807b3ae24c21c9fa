
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('targets', '0008_settle_programs'),
    ]

    operations = [
        migrations.AddField(
            model_name='cutout',
            name='middle_x',
            field=models.FloatField(help_text="Column of the source, from 0, where the detector's edge cut the stamp", null=True),
        ),
        migrations.AddField(
            model_name='cutout',
            name='middle_y',
            field=models.FloatField(help_text='Its row', null=True),
        ),
    ]
