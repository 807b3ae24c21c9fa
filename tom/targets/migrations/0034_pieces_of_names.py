"""Indexes that find a part of a name, and a whole name whatever its case, among a million."""

from django.db import migrations

# Each three letters of a name that stand together. PostgreSQL's own extension for this,
# pg_trgm, is not in every installation.
PIECES = """
    CREATE FUNCTION targets_pieces(name text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_agg(substr(upper(name), at, 3))
        FROM generate_series(1, length(upper(name)) - 2) at
    $$;
"""
TABLES = ("basetarget", "targetname")


def index(table):
    name = f"targets_{table}"
    return migrations.RunSQL(
        f"""
        CREATE INDEX {name}_pieces ON tom_targets_{table} USING gin (targets_pieces(name));
        CREATE INDEX {name}_lower ON tom_targets_{table} (lower(name));
        """,
        f"DROP INDEX {name}_lower; DROP INDEX {name}_pieces;",
    )


class Migration(migrations.Migration):

    dependencies = [
        ("targets", "0033_orders_of_audiences"),
        ("tom_targets", "0031_basetarget_shared_by_basetarget_shared_from"),
    ]

    operations = [
        migrations.RunSQL(PIECES, "DROP FUNCTION targets_pieces(text);"),
        *map(index, TABLES),
    ]
