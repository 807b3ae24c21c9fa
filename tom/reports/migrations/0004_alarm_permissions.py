"""Whoever was given a permission on pages has it on alarms."""

from django.db import migrations

NAMES = {"page": "alarm", "pagesend": "alarmsend"}
ACTIONS = ("add", "change", "delete", "view")


def rename(apps, names):
    permissions = apps.get_model("auth", "Permission").objects
    ours = permissions.filter(content_type__app_label="reports")
    for old, new in names.items():
        for action in ACTIONS:
            if not ours.filter(codename=f"{action}_{new}").exists():
                ours.filter(codename=f"{action}_{old}").update(
                    codename=f"{action}_{new}", name=f"Can {action} {new}"
                )


def to_alarms(apps, schema_editor):
    rename(apps, NAMES)


def to_pages(apps, schema_editor):
    rename(apps, {new: old for old, new in NAMES.items()})


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("reports", "0003_alarms"),
    ]

    operations = [migrations.RunPython(to_alarms, to_pages)]
