"""Let the database note where candidates lie on the map, whoever changes it."""

from django.db import migrations

LEVELS = ("credible_level_2d", "credible_level_3d", "probdensity")


def of(alias, columns):
    return ", ".join(f"{alias}.{name}" for name in columns)


def note(table, what, rows):
    """Make a function and a trigger that note some rows of a table after a change."""
    operation, tables = {
        "new": ("INSERT", "NEW TABLE AS after"),
        "changed": ("UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
    }[what]
    return f"""
        CREATE FUNCTION {table}_note_{what}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO candidates_candidatefact (candidate_id, programs, is_known,
                localization_id, {", ".join(LEVELS)}, stored, xact)
            SELECT known.*, statement_timestamp(), pg_current_xact_id() FROM ({rows}) known;
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_{what} AFTER {operation} ON {table} REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_note_{what}();
    """


def forget(table, *whats):
    return "".join(
        f"DROP TRIGGER note_{what} ON {table}; DROP FUNCTION {table}_note_{what}();"
        for what in whats
    )


def candidates(rows):
    return f"SELECT n.id, '{{}}'::bigint[], n.is_public, n.localization_id, {of('n', LEVELS)} {rows}"


def standings(rows):
    return f"SELECT n.candidate_id, n.programs, true, NULL::bigint, {of('n', LEVELS)} {rows}"


KNOWN = ("is_public", "localization_id", *LEVELS)
CHANGED = "FROM after n JOIN before o USING (id) WHERE ({}) IS DISTINCT FROM ({}) ORDER BY n.id"
CANDIDATES, STANDINGS = "candidates_eventcandidate", "candidates_candidatestanding"
NEW_CANDIDATES = note(CANDIDATES, "new", candidates("FROM after n ORDER BY n.id"))
MOVED_CANDIDATES = note(
    CANDIDATES, "changed", candidates(CHANGED.format(of("n", KNOWN), of("o", KNOWN)))
)
NEW_STANDINGS = note(STANDINGS, "new", standings("FROM after n ORDER BY n.id"))
MOVED_STANDINGS = note(
    STANDINGS, "changed", standings(CHANGED.format(of("n", LEVELS), of("o", LEVELS)))
)
GO_WITH = """
    ALTER TABLE candidates_candidatefact
        ADD CONSTRAINT candidates_fact_goes_with_candidate FOREIGN KEY (candidate_id)
            REFERENCES candidates_eventcandidate (id)
            ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        ADD CONSTRAINT candidates_fact_outlives_localization FOREIGN KEY (localization_id)
            REFERENCES events_eventlocalization (id)
            ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
"""
STAY = """
    ALTER TABLE candidates_candidatefact
        DROP CONSTRAINT candidates_fact_goes_with_candidate,
        DROP CONSTRAINT candidates_fact_outlives_localization
"""
# What is known already counts as known ever since: without a moment.
FIRST = f"""
    INSERT INTO candidates_candidatefact (candidate_id, programs, is_known, localization_id,
        {", ".join(LEVELS)}, stored, xact)
    SELECT id, '{{}}', is_public, localization_id, {", ".join(LEVELS)}, NULL, NULL
    FROM candidates_eventcandidate;
    INSERT INTO candidates_candidatefact (candidate_id, programs, is_known, localization_id,
        {", ".join(LEVELS)}, stored, xact)
    SELECT candidate_id, programs, true, NULL, {", ".join(LEVELS)}, NULL, NULL
    FROM candidates_candidatestanding;
"""


class Migration(migrations.Migration):
    dependencies = [("candidates", "0010_moments")]

    operations = [
        migrations.RunSQL(GO_WITH, STAY),
        migrations.RunSQL(FIRST, "DELETE FROM candidates_candidatefact"),
        migrations.RunSQL(
            NEW_CANDIDATES + MOVED_CANDIDATES, forget(CANDIDATES, "new", "changed")
        ),
        migrations.RunSQL(
            NEW_STANDINGS + MOVED_STANDINGS,
            forget(STANDINGS, "new", "changed"),
        ),
    ]
