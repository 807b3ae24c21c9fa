"""A private program has a group that reads it, whoever makes its row."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from tests.factories import make_group, make_observer, make_program
from tests.targets.alerts import make_alert, make_point
from tom.targets.models import Program
from tom.targets.store import store_alerts
from tom.targets.visible import visible_targets

pytestmark = pytest.mark.django_db


def test_the_database_takes_no_private_program_without_a_group():
    with pytest.raises(IntegrityError), transaction.atomic():
        Program.objects.create(survey="ZTF", number=9, name="nobody's", public=False)


def test_the_model_says_why():
    with pytest.raises(ValidationError, match="A private program belongs to a group"):
        Program(survey="ZTF", number=9, name="nobody's", public=False).full_clean()


def test_a_packet_of_a_private_program_that_nobody_knew_is_kept_for_a_group_without_members():
    trigger = make_point("t", days=1.0, program=7, trigger=True)
    store_alerts([make_alert("ZTF26unknown", trigger, program=7)])

    program = Program.objects.get(survey="ZTF", number=7)
    assert not program.public
    assert program.group is not None
    assert program.group.name == "ZTF program 7"
    assert not program.group.user_set.exists()
    assert not visible_targets(make_observer()).exists()


def test_an_upgrade_gives_a_group_to_programs_that_had_none():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE targets_program DROP CONSTRAINT targets_program_has_readers")
    taken = make_group("ZTF program 8")
    lost = [
        Program.objects.create(survey="ZTF", number=number, name="x", public=False)
        for number in (7, 8)
    ]
    public = make_program(1)
    migration = import_module("tom.targets.migrations.0010_program_groups")

    migration.give_groups(apps, None)

    groups = [Program.objects.get(pk=program.pk).group for program in lost]
    assert [group.name for group in groups if group] == [
        "ZTF program 7",
        "ZTF program 8 (unassigned)",
    ]
    assert taken not in groups
    assert Program.objects.get(pk=public.pk).group is None
