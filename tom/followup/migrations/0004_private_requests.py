"""Requests made while their target was private are private; their guards keep off no others."""

from django.db import migrations
from django.db.models import F, Q, Value
from django.db.models.functions import Concat


def mark_private(apps, schema_editor):
    requests = apps.get_model("followup", "ObservationRequest").objects
    # A target that was opened counts as made then.
    private = Q(target__permissions="PRIVATE") | Q(created__lt=F("target__created"))
    ids = list(requests.filter(private).values_list("pk", flat=True))
    requests.filter(pk__in=ids).update(is_public=False)
    guarded = requests.filter(pk__in=ids, guard__isnull=False)
    guarded.update(guard=Concat("guard", Value(":private")))


class Migration(migrations.Migration):
    dependencies = [("followup", "0003_request_is_public")]
    operations = [migrations.RunPython(mark_private, migrations.RunPython.noop)]
