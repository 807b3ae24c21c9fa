"""Verdicts given on a private target, or before it was opened, are private; none is shown to all."""

from django.db import migrations
from django.db.models import Exists, F, OuterRef, Q

BATCH = 2000


def mark_private(apps, schema_editor):
    verdicts = apps.get_model("candidates", "Verdict").objects
    # A target that was opened counts as made then.
    private = Q(candidate__target__permissions="PRIVATE") | Q(
        created__lt=F("candidate__target__created")
    )
    ids = list(verdicts.filter(private).values_list("pk", flat=True))
    for first in range(0, len(ids), BATCH):
        verdicts.filter(pk__in=ids[first : first + BATCH]).update(is_public=False)
    said = verdicts.filter(candidate=OuterRef("pk"), is_public=False)
    shown = apps.get_model("candidates", "EventCandidate").objects.exclude(vetting="new")
    for candidate in shown.exclude(target__permissions="PRIVATE").filter(Exists(said)):
        show_newest(candidate, verdicts.filter(candidate=candidate, is_public=True))


def show_newest(candidate, told):
    standing = {}
    for row in told.filter(undoes=None, undone_by=None).order_by("created", "pk"):
        standing[row.by_id] = row
    rows = [row for row in standing.values() if row.verdict != "new"]
    newest = max(rows, key=lambda row: (row.created, row.pk), default=None)
    candidate.vetting = newest.verdict if newest else "new"
    candidate.vetted_by_id = newest.by_id if newest else None
    candidate.vetted = newest.created if newest else None
    candidate.save(update_fields=["vetting", "vetted_by", "vetted"])


class Migration(migrations.Migration):
    dependencies = [("candidates", "0006_verdict_is_public")]
    operations = [migrations.RunPython(mark_private, migrations.RunPython.noop)]
