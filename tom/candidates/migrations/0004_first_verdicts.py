"""What candidates show becomes the first verdict on each."""

from django.db import migrations

BATCH = 2000


def keep_verdicts(apps, schema_editor):
    candidates = apps.get_model("candidates", "EventCandidate").objects
    verdict = apps.get_model("candidates", "Verdict")
    said = candidates.exclude(vetting="new").filter(vetted__isnull=False)
    rows = (
        verdict(candidate_id=pk, by_id=by, verdict=vetting, created=vetted)
        for pk, by, vetting, vetted in said.values_list(
            "pk", "vetted_by_id", "vetting", "vetted"
        ).iterator(BATCH)
    )
    verdict.objects.bulk_create(rows, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("candidates", "0003_verdict")]
    operations = [migrations.RunPython(keep_verdicts, migrations.RunPython.noop)]
