from django.db import migrations

# TOM Toolkit's table, so no model of ours names the index.
ADD = """
    CREATE INDEX IF NOT EXISTS targets_private ON tom_targets_basetarget (id)
    WHERE permissions = 'PRIVATE'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('targets', '0031_told_to_groups'),
        ('tom_targets', '0031_basetarget_shared_by_basetarget_shared_from'),
    ]

    operations = [
        migrations.RunSQL(ADD, 'DROP INDEX IF EXISTS targets_private'),
    ]
