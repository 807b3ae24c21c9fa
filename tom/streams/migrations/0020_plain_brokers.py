"""A broker has one name: in small letters, without Kafka's usual port."""

from django.db import migrations

# Of two positions of one partition the one that was moved last is where reading stands.
POSITIONS = """
    CREATE TEMPORARY TABLE plain_positions ON COMMIT DROP AS
    SELECT DISTINCT ON (name, "group", topic, partition) id, name,
        max(claim) OVER (PARTITION BY name, "group", topic, partition) AS claims
    FROM (
        SELECT *, regexp_replace(lower(broker), ':9092$', '') AS name FROM streams_streamposition
    ) AS named
    ORDER BY name, "group", topic, partition, ("offset" IS NOT NULL) DESC, updated DESC, id;
    DELETE FROM streams_streamposition WHERE id NOT IN (SELECT id FROM plain_positions);
    UPDATE streams_streamposition p SET broker = k.name, claim = k.claims
    FROM plain_positions k WHERE k.id = p.id;
"""
# Of two reports of one topic the newer one stays, with the counts of both.
HEALTH = """
    CREATE TEMPORARY TABLE plain_health ON COMMIT DROP AS
    SELECT id, name, first_value(id) OVER kept AS kept, sum(messages) OVER every AS messages,
        sum(size) OVER every AS size, sum(lost) OVER every AS lost
    FROM (
        SELECT *, regexp_replace(lower(stream), ':9092$', '') AS name FROM streams_streamhealth
    ) AS named
    WINDOW kept AS (PARTITION BY name, topic ORDER BY reported DESC NULLS LAST, id),
        every AS (PARTITION BY name, topic);
    CREATE TEMPORARY TABLE plain_minutes ON COMMIT DROP AS
    SELECT h.kept, m.minute, sum(m.messages) AS messages, sum(m.left_out) AS left_out
    FROM streams_topicminute m JOIN plain_health h ON h.id = m.health_id GROUP BY 1, 2;
    DELETE FROM streams_topicminute;
    INSERT INTO streams_topicminute (health_id, minute, messages, left_out)
    SELECT * FROM plain_minutes;
    UPDATE streams_heartbeatgap g SET health_id = h.kept
    FROM plain_health h WHERE h.id = g.health_id AND h.id <> h.kept;
    DELETE FROM streams_streamhealth WHERE id NOT IN (SELECT kept FROM plain_health);
    UPDATE streams_streamhealth s
    SET stream = h.name, messages = h.messages, size = h.size, lost = h.lost
    FROM plain_health h WHERE h.id = s.id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0019_waits_for_packets"),
    ]

    operations = [
        migrations.RunSQL(POSITIONS, migrations.RunSQL.noop, elidable=True),
        migrations.RunSQL(HEALTH, migrations.RunSQL.noop, elidable=True),
    ]
