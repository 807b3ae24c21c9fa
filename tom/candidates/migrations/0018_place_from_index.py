from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('candidates', '0017_standing_order'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='eventcandidate',
            index=models.Index(fields=['event', 'rank'], include=('target', 'is_public'), name='candidates_candidate_place'),
        ),
        migrations.RemoveIndex(
            model_name='eventcandidate',
            name='candidates_candidate_rank',
        ),
    ]
