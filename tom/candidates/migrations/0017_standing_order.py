import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('candidates', '0016_fill_standing_event'),
        ('events', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='candidatestanding',
            name='event',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='events.nonlocalizedevent'),
        ),
        migrations.AlterField(
            model_name='candidatestanding',
            name='candidate',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='standings', to='candidates.eventcandidate'),
        ),
        migrations.AddIndex(
            model_name='candidatestanding',
            index=models.Index(fields=['event', 'rank'], name='candidates_standing_rank'),
        ),
    ]
