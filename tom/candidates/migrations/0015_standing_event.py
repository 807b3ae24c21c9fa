import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('candidates', '0014_plain_help_texts'),
        ('events', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='candidatestanding',
            name='event',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='events.nonlocalizedevent'),
        ),
    ]
