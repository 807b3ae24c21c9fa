"""What an alert says of what stands around its object is its surroundings; context is Django's."""

from importlib import import_module

from django.db import migrations

_notes = import_module("tom.targets.migrations.0013_note_facts")
SUMMARY, AUDIENCE = "targets_targetsummary", "targets_audiencesummary"
NAMES = {"context_time": "surroundings_time", "context_alert": "surroundings_alert"}
NEW = tuple(NAMES.get(name, name) for name in _notes.BOTH)
FORGET = _notes.forget_summaries(SUMMARY) + _notes.forget_summaries(AUDIENCE)


def note(columns):
    """Make the triggers that note what changes of these columns."""
    public = _notes.note_summaries(SUMMARY, "target_id", "'{}'", (*columns, *_notes.HOST))
    return public + _notes.note_summaries(AUDIENCE, "id", "n.programs", columns)


def rewrite_joins(names):
    """Rename the columns in the rows that the undo of a join puts back."""
    changes = "changes::text"
    for old, new in names.items():
        changes = f"""replace({changes}, '"{old}":', '"{new}":')"""
    return f"UPDATE targets_targetjoin SET changes = ({changes})::jsonb"  # noqa: S608  our own text


class Migration(migrations.Migration):
    dependencies = [("targets", "0018_points_by_month")]

    operations = [
        migrations.RunSQL(FORGET, note(_notes.BOTH)),
        *(
            migrations.RenameField(model, old, new)
            for model in ("targetsummary", "audiencesummary", "summaryfact")
            for old, new in NAMES.items()
        ),
        migrations.RunSQL(note(NEW), FORGET),
        migrations.RunSQL(
            rewrite_joins(NAMES), rewrite_joins({new: old for old, new in NAMES.items()})
        ),
    ]
