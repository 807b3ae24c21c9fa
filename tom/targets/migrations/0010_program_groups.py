"""A private program that no group reads gets a group of its own, which has no members yet."""

from django.db import migrations


def give_groups(apps, schema_editor):
    Program = apps.get_model("targets", "Program")
    Group = apps.get_model("auth", "Group")
    for program in Program.objects.filter(public=False, group=None):
        name = f"{program.survey} program {program.number}"
        group, made = Group.objects.get_or_create(name=name)
        if not made:  # somebody's own: its members did not read this program
            group = Group.objects.create(name=f"{name} (unassigned)")
        program.group = group
        program.save(update_fields=["group"])


class Migration(migrations.Migration):

    dependencies = [
        ("targets", "0009_cutout_middle"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(give_groups, migrations.RunPython.noop)]
