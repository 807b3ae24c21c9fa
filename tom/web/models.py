"""What the web alone keeps: API tokens and invitations, by their hash, and changes of the team."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from tom.targets.models import Program


class ApiToken(models.Model):
    """A user's token for the API, known to them by a name, shown once when it is made."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=60)
    # The name that the REST framework looks for.
    key = models.CharField(max_length=64, unique=True, help_text="sha256 of the token, hex")
    seal = models.CharField(
        max_length=64, help_text="Of the user's password: another password ends the token"
    )
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    last_used = models.DateTimeField(null=True, blank=True, help_text="To the hour")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="web_token_name_once")]
        ordering = ("name",)

    def __str__(self) -> str:
        return f"API token {self.name} of {self.user_id}"


class Invitation(models.Model):
    """A link by which one person gets an account, with a role and groups; shown once."""

    key = models.CharField(max_length=64, unique=True, help_text="sha256 of the link's end, hex")
    role = models.CharField(max_length=16, help_text="A key of the roles")
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    note = models.CharField(max_length=100, blank=True, help_text="For whom it is")
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, blank=True)
    used = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class ChangeKind(models.TextChoices):
    """What was changed of the team."""

    ROLE = "role", "A person's role"
    ACTIVE = "active", "A person switched off or on"
    MEMBER = "member", "A member of a group"
    GROUP_MADE = "group_made", "A group made"
    GROUP_NAME = "group_name", "A group's name"
    GROUP_GONE = "group_gone", "A group deleted"
    PROGRAM_MADE = "program_made", "A program made"
    PROGRAM = "program", "Who reads a program"
    INVITATION = "invitation", "An invitation"


class TeamChange(models.Model):
    """One change of the team: who made it, when, and what, in words that outlast the rows."""

    made = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(max_length=150)
    kind = models.CharField(max_length=16, choices=ChangeKind.choices)
    words = models.CharField(max_length=500)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    group = models.ForeignKey(Group, null=True, on_delete=models.SET_NULL, related_name="+")
    program = models.ForeignKey(Program, null=True, on_delete=models.SET_NULL, related_name="+")
    # From what to what, for an undo.
    before = models.TextField(blank=True)
    after = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ("-pk",)
        permissions = [("manage_team", "Can manage the team")]

    def __str__(self) -> str:
        return self.words
