"""Two missions' messages of one type and time are two messages of an event's chain."""

import re

from django.db import migrations, models

# Which mission declared each form when this was written.
SENDERS = {
    "igwn.json": "LVK",
    "igwn.avro": "LVK",
    "gcn.burstcube": "BurstCube",
    "gcn.chime.frb": "CHIME",
    "gcn.dsa110.frb": "DSA-110",
    "gcn.einstein_probe.wxt": "Einstein Probe",
    "gcn.fermi.gbm": "Fermi GBM",
    "gcn.fermi.lat": "Fermi LAT",
    "gcn.glowbug": "Glowbug",
    "gcn.icecube": "IceCube",
    "gcn.icecube.search": "IceCube",
    "gcn.km3net": "KM3NeT",
    "gcn.maxi": "MAXI",
    "gcn.superk": "Super-Kamiokande",
    "gcn.svom": "SVOM",
    "gcn.swift": "Swift",
    "gcn.swift.guano": "Swift",
}
# The form of missions that declare none: such a message names its mission itself.
ANY = "gcn.notice"


def name_the_senders(apps, schema_editor):
    rows = apps.get_model("events", "EventSequence").objects
    for form, sender in SENDERS.items():
        rows.filter(message__kind=form).update(sender=sender)
    others = rows.filter(message__kind=ANY).values_list(
        "pk", "details__mission", "details__instrument"
    )
    for pk, mission, instrument in others.iterator():
        name = "".join(str(mission or instrument or "").split())
        spelled = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:64]
        rows.filter(pk=pk).update(sender=spelled or "GCN")


class Migration(migrations.Migration):
    dependencies = [("events", "0013_event_uses")]

    operations = [
        migrations.AddField(
            "eventsequence",
            "sender",
            models.CharField(
                blank=True, default="", help_text="The mission that sent it", max_length=64
            ),
        ),
        migrations.RunPython(name_the_senders, migrations.RunPython.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveConstraint("eventsequence", "events_sequence_once"),
        migrations.AddConstraint(
            "eventsequence",
            models.UniqueConstraint(
                fields=["event", "sender", "alert_type", "time_created"],
                name="events_sequence_once",
            ),
        ),
        migrations.RemoveConstraint("eventlocalization", "events_localization_once"),
        migrations.AddConstraint(
            "eventlocalization",
            models.UniqueConstraint(
                fields=["event", "sender", "product", "time", "localization"],
                name="events_localization_once",
            ),
        ),
    ]
