"""Make an object of each survey that a target was known to: until now its name said which it was."""

from django.db import migrations

OBJECTS = """
    INSERT INTO targets_surveyobject (survey, object_id, target_id, programs, ra, dec,
        position_time, position_alert, created)
    SELECT k.survey, t.name, t.id, ARRAY(
            SELECT DISTINCT p.program_id::bigint FROM targets_lightcurvepoint p
            WHERE p.target_id = t.id AND p.survey = k.survey
                AND (p.is_trigger OR p.survey = 'BY HAND')
            ORDER BY 1
        ), t.ra, t.dec, CASE WHEN s.survey = k.survey THEN s.position_time END,
        CASE WHEN s.survey = k.survey THEN s.position_alert ELSE '' END, now()
    FROM (
        SELECT target_id, survey FROM targets_targetsummary
        UNION SELECT DISTINCT target_id, survey FROM targets_lightcurvepoint
    ) k
    JOIN tom_targets_basetarget t ON t.id = k.target_id
    LEFT JOIN targets_targetsummary s ON s.target_id = k.target_id
    WHERE k.survey <> ''
    ORDER BY t.id, k.survey
"""
POINTS = """
    UPDATE targets_lightcurvepoint p SET object_id = o.id FROM targets_surveyobject o
    WHERE o.target_id = p.target_id AND o.survey = p.survey
"""


class Migration(migrations.Migration):
    dependencies = [("targets", "0014_survey_object")]

    operations = [
        migrations.RunSQL(OBJECTS, migrations.RunSQL.noop),
        migrations.RunSQL(POINTS, migrations.RunSQL.noop),
    ]
