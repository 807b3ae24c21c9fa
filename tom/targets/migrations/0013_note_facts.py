"""Let the database note what changes of summaries and points, whoever changes them."""

from django.db import migrations

BOTH = (
    *("healpix29", "ebv", "ebv_error", "first_seen", "context_time", "context_alert"),
    *("alert_values", "n_survey_detections", "star_separation_arcsec", "star_score"),
    *("solar_system_name", "solar_system_separation_arcsec"),
)
HOST = ("host_name", "host_distance_mpc", "host_distance_error_mpc")
POINT = (
    *("target_id", "survey", "kind", "key", "time", "band", "flux", "flux_error", "program_id"),
    *("real_bogus", "is_trigger", "stored", "xact"),
)
MEASURED = ("time", "band", "flux", "flux_error", "program_id", "real_bogus", "is_trigger")


def of(alias, columns):
    return ", ".join(f"{alias}.{name}" for name in columns)


def note_summaries(table, key, programs, columns):
    """Make the functions and triggers that note what a table of summaries held from when on."""
    insert = f"""
        INSERT INTO targets_summaryfact (target_id, programs, stored, xact,
            {", ".join(columns)})
        SELECT n.target_id, {programs}, statement_timestamp(), pg_current_xact_id(),
            {of("n", columns)}
        FROM after n"""
    return f"""
        CREATE FUNCTION {table}_note_new() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {insert} ORDER BY n.{key};
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_new AFTER INSERT ON {table}
        REFERENCING NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_note_new();

        CREATE FUNCTION {table}_note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {insert} JOIN before o USING ({key})
            WHERE ({of("n", columns)}) IS DISTINCT FROM ({of("o", columns)}) ORDER BY n.{key};
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_changed AFTER UPDATE ON {table}
        REFERENCING OLD TABLE AS before NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_note_changed();
    """


def forget_summaries(table):
    return f"""
        DROP TRIGGER note_new ON {table};
        DROP TRIGGER note_changed ON {table};
        DROP FUNCTION {table}_note_new();
        DROP FUNCTION {table}_note_changed();
    """


KEEP_REPLACED = f"""
    CREATE FUNCTION targets_keep_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO targets_replacedpoint ({", ".join(POINT)}, replaced, replaced_by)
        VALUES ({of("OLD", POINT)}, statement_timestamp(), pg_current_xact_id());
        NEW.stored = statement_timestamp();
        NEW.xact = pg_current_xact_id();
        RETURN NEW;
    END $$;
    CREATE TRIGGER keep_replaced BEFORE UPDATE ON targets_lightcurvepoint
    FOR EACH ROW WHEN (({of("OLD", MEASURED)}) IS DISTINCT FROM ({of("NEW", MEASURED)}))
    EXECUTE FUNCTION targets_keep_replaced();
"""
FORGET_REPLACED = """
    DROP TRIGGER keep_replaced ON targets_lightcurvepoint;
    DROP FUNCTION targets_keep_replaced();
"""
# What is known already counts as known ever since: without a moment.
FIRST = f"""
    INSERT INTO targets_summaryfact (target_id, programs, stored, xact,
        {", ".join((*BOTH, *HOST))})
    SELECT target_id, '{{}}', NULL, NULL, {", ".join((*BOTH, *HOST))}
    FROM targets_targetsummary;
    INSERT INTO targets_summaryfact (target_id, programs, stored, xact, {", ".join(BOTH)})
    SELECT target_id, programs, NULL, NULL, {", ".join(BOTH)}
    FROM targets_audiencesummary;
"""


class Migration(migrations.Migration):
    dependencies = [("targets", "0012_moments")]

    operations = [
        migrations.RunSQL(FIRST, "DELETE FROM targets_summaryfact"),
        migrations.RunSQL(
            note_summaries("targets_targetsummary", "target_id", "'{}'", (*BOTH, *HOST)),
            forget_summaries("targets_targetsummary"),
        ),
        migrations.RunSQL(
            note_summaries("targets_audiencesummary", "id", "n.programs", BOTH),
            forget_summaries("targets_audiencesummary"),
        ),
        migrations.RunSQL(KEEP_REPLACED, FORGET_REPLACED),
    ]
