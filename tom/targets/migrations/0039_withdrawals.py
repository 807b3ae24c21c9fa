"""Uploaded spectra and the classes taken from them can be withdrawn."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

words = import_module("tom.targets.migrations.0037_newest_words")

STANDING = "WHERE NOT c.is_test AND c.withdrawal_id IS NULL"
NEWEST = words.NEWEST.replace("WHERE NOT c.is_test", STANDING)
OF_ROW = "SELECT NEW.survey AS survey, NEW.object_id AS object_id"
_MADE = words.KEEP[: words.KEEP.index("CREATE TRIGGER")]
# What comes leaves out what is withdrawn; what is withdrawn, or let stand again, is told anew.
KEEP = (
    _MADE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
        "WHERE NOT c.is_test", STANDING
    )
    + f"""
    CREATE FUNCTION targets_renew_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM targets_objectwords w
        WHERE (w.survey, w.object_id) = (NEW.survey, NEW.object_id) FOR UPDATE;
        UPDATE targets_objectwords w
        SET words = coalesce((SELECT n.words FROM ({NEWEST.format(asked=OF_ROW)}) n), '{{}}')
        WHERE (w.survey, w.object_id) = (NEW.survey, NEW.object_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER renew_words AFTER UPDATE OF withdrawal_id ON targets_classification
    FOR EACH ROW WHEN (OLD.withdrawal_id IS DISTINCT FROM NEW.withdrawal_id)
    EXECUTE FUNCTION targets_renew_words();
"""
)
FORGET = (
    "DROP TRIGGER renew_words ON targets_classification; DROP FUNCTION targets_renew_words();"
    + _MADE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
)


class Migration(migrations.Migration):
    dependencies = [
        ('streams', '0022_pubsub'),
        ('targets', '0038_uploaded_spectra'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='classification',
            name='spectrum',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The uploaded spectrum that it was taken from, while that is there', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='classes', to='targets.uploadedspectrum'),
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_whole', models.BooleanField(help_text='Whether the spectrum itself is withdrawn, or what was taken from it alone')),
                ('reason', models.CharField(max_length=300)),
                ('redshift', models.FloatField(blank=True, help_text="The target's redshift that was forgotten with it", null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('undone', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('spectrum', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='withdrawals', to='targets.uploadedspectrum')),
                ('undone_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created', '-pk'),
            },
        ),
        migrations.AddField(
            model_name='classification',
            name='withdrawal',
            field=models.ForeignKey(blank=True, db_index=False, help_text='By which it is withdrawn; None: it stands', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='classes', to='targets.withdrawal'),
        ),
        migrations.AddIndex(
            model_name='classification',
            index=models.Index(condition=models.Q(('spectrum__isnull', False)), fields=['spectrum'], name='targets_classification_spec'),
        ),
        migrations.AddIndex(
            model_name='classification',
            index=models.Index(condition=models.Q(('withdrawal__isnull', False)), fields=['withdrawal'], name='targets_classification_gone'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.UniqueConstraint(condition=models.Q(('is_whole', True), ('undone', None)), fields=('spectrum',), name='targets_withdrawal_once'),
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
