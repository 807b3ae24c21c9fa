"""Keep of each ranking what moved: rows that repeat the one before go, the others get their end."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tom.moments

# The order of those kept whole until now: the log odds that their terms and the prior make.
ORDER = """
    UPDATE ranking_rankedcandidate p SET event_id = r.event_id,
        log_odds = ln(r.prior / (1 - r.prior)) + coalesce(
            (SELECT sum((t ->> 'log_lr')::float8) FROM jsonb_array_elements(p.terms) t), 0)
    FROM ranking_ranking r WHERE r.id = p.ranking_id
"""
# The names and inputs of terms stand once in the ranking, the figures in its places.
NAME_TERMS = """
    UPDATE ranking_ranking r SET layout = (
        SELECT jsonb_agg(jsonb_build_object('name', t -> 'name', 'inputs', t -> 'inputs') ORDER BY n)
        FROM jsonb_array_elements(p.terms) WITH ORDINALITY AS kept (t, n))
    FROM (SELECT DISTINCT ON (ranking_id) ranking_id, terms FROM ranking_rankedcandidate
        WHERE jsonb_array_length(terms) > 0 ORDER BY ranking_id, jsonb_array_length(terms) DESC
    ) p WHERE p.ranking_id = r.id
"""
KEEP_FIGURES = """
    UPDATE ranking_rankedcandidate p SET terms = (
        SELECT coalesce(jsonb_agg(jsonb_build_array(t -> 'log_lr', t -> 'log_lr_low',
            t -> 'log_lr_high', t -> 'value', coalesce(t -> 'missing', 'false'), t -> 'reason')
            ORDER BY n), '[]')
        FROM jsonb_array_elements(p.terms) WITH ORDINALITY AS kept (t, n))
"""
NAME_FIGURES = """
    UPDATE ranking_rankedcandidate p SET terms = (
        SELECT coalesce(jsonb_agg(jsonb_build_object('name', l -> 'name', 'inputs', l -> 'inputs',
            'log_lr', t -> 0, 'log_lr_low', t -> 1, 'log_lr_high', t -> 2, 'value', t -> 3,
            'missing', t -> 4, 'reason', t -> 5) ORDER BY n), '[]')
        FROM jsonb_array_elements(p.terms) WITH ORDINALITY AS kept (t, n)
        JOIN jsonb_array_elements(r.layout) WITH ORDINALITY AS named (l, n) USING (n))
    FROM ranking_ranking r WHERE r.id = p.ranking_id
"""
# Of a candidate that the next ranking did not have, its last place ends with that ranking.
END_ABSENT = """
    UPDATE ranking_rankedcandidate p SET until_id = (
        SELECT min(r.id) FROM ranking_ranking r WHERE r.event_id = p.event_id AND r.id > p.ranking_id)
    WHERE NOT EXISTS (SELECT FROM ranking_rankedcandidate n
        WHERE n.candidate_id = p.candidate_id AND n.programs = p.programs
            AND n.ranking_id > p.ranking_id)
"""
DROP_REPEATED = """
    DELETE FROM ranking_rankedcandidate WHERE id IN (
        SELECT id FROM (
            SELECT id, (terms, posterior, posterior_low, posterior_high) IS NOT DISTINCT FROM
                (lag(terms) OVER w, lag(posterior) OVER w, lag(posterior_low) OVER w,
                    lag(posterior_high) OVER w) AS is_repeated,
                lag(id) OVER w AS before
            FROM ranking_rankedcandidate
            WINDOW w AS (PARTITION BY candidate_id, programs ORDER BY ranking_id)
        ) rows WHERE is_repeated AND before IS NOT NULL AND until_id IS NULL)
"""
END_MOVED = """
    UPDATE ranking_rankedcandidate p SET until_id = rows.next FROM (
        SELECT id, lead(ranking_id) OVER (
            PARTITION BY candidate_id, programs ORDER BY ranking_id) AS next
        FROM ranking_rankedcandidate
    ) rows WHERE rows.id = p.id AND rows.next IS NOT NULL
"""

COUNT_AGAIN = """
    UPDATE ranking_rankedcandidate p SET rank = rows.rank FROM (
        SELECT id, row_number() OVER (PARTITION BY ranking_id ORDER BY log_odds DESC, id) AS rank
        FROM ranking_rankedcandidate
    ) rows WHERE rows.id = p.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0005_regions"),
        ("candidates", "0011_note_facts"),
        ("ranking", "0001_move"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ranking",
            name="basis",
            field=models.JSONField(
                default=dict,
                help_text="Weights, rule, window, scorers and constants it was made with; empty: not kept",
            ),
        ),
        migrations.AlterField(
            model_name="ranking",
            name="created",
            field=models.DateTimeField(
                default=django.utils.timezone.now, help_text="The moment of what it knew"
            ),
        ),
        migrations.AlterField(
            model_name="ranking",
            name="prior",
            field=models.FloatField(help_text="Of any one candidate, before any evidence"),
        ),
        migrations.AlterField(
            model_name="ranking",
            name="scorers",
            field=models.JSONField(default=dict, help_text="Scorer to version"),
        ),
        migrations.AddField(
            model_name="ranking",
            name="layout",
            field=models.JSONField(
                default=list,
                help_text="The terms of the places stored with it: their names and inputs",
            ),
        ),
        migrations.AlterField(
            model_name="rankedcandidate",
            name="terms",
            field=models.JSONField(help_text="The figures of each term of the ranking's layout"),
        ),
        migrations.AddField(
            model_name="ranking",
            name="snapshot",
            field=models.TextField(blank=True, default="", help_text="Which transactions it saw"),
        ),
        migrations.AddField(
            model_name="ranking",
            name="xact",
            field=tom.moments.XactField(help_text="The transaction that made it", null=True),
        ),
        migrations.AddField(
            model_name="rankedcandidate",
            name="event",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="events.nonlocalizedevent",
            ),
        ),
        migrations.AddField(
            model_name="rankedcandidate",
            name="until",
            field=models.ForeignKey(
                help_text="None: it stands",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="ranking.ranking",
            ),
        ),
        migrations.AddField(
            model_name="rankedcandidate",
            name="log_odds",
            field=models.FloatField(default=0.0, help_text="Natural; the ranking's order"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="rankedcandidate",
            name="fingerprint",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="Of all terms: the same where nothing moved",
            ),
        ),
        migrations.RunSQL(
            [ORDER, NAME_TERMS, KEEP_FIGURES, END_ABSENT, DROP_REPEATED, END_MOVED, "SET CONSTRAINTS ALL IMMEDIATE"],
            [NAME_FIGURES, "SET CONSTRAINTS ALL IMMEDIATE"],
        ),
        migrations.AlterField(
            model_name="rankedcandidate",
            name="event",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="events.nonlocalizedevent",
            ),
        ),
        migrations.RemoveIndex(model_name="rankedcandidate", name="scoring_place_ranks"),
        migrations.AlterField(
            model_name="rankedcandidate",
            name="rank",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.RunSQL(
            migrations.RunSQL.noop, [COUNT_AGAIN, "SET CONSTRAINTS ALL IMMEDIATE"]
        ),
        migrations.RemoveField(model_name="rankedcandidate", name="rank"),
        migrations.AddIndex(
            model_name="rankedcandidate",
            index=models.Index(
                fields=["event", "-posterior"],
                include=("candidate", "programs", "ranking", "until"),
                name="ranking_place_order",
            ),
        ),
        migrations.AddIndex(
            model_name="rankedcandidate",
            index=models.Index(
                condition=models.Q(("until", None)),
                fields=["candidate", "programs"],
                name="ranking_place_newest",
            ),
        ),
    ]
