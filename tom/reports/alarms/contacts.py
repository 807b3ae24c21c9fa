"""Where alarms reach people: contacts of persons and of the team, and the gateway for SMS.

The addresses are encrypted, and no page shows them. Read a row without its secrets wherever they
are not used: one damaged secret then harms no other row.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from tom_common.encryption import EncryptedModelField

from tom.targets.models import Visitor


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    SMS = "sms", "SMS"


class ContactQuerySet(models.QuerySet["Contact"]):
    """Reads of contacts, without their addresses."""

    def standing(self) -> "ContactQuerySet":
        """Return the contacts that nobody removed."""
        return self.filter(removed=None).defer("address")

    def of_team(self) -> "ContactQuerySet":
        return self.standing().filter(person=None)

    def of_person(self, user: Visitor) -> "ContactQuerySet":
        return self.standing().filter(person_id=user.pk, person__isnull=False)


class Contact(models.Model):
    """A way to reach one person, or the team: an e-mail address, a webhook or a phone number."""

    name = models.CharField(max_length=100)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="contacts",
        help_text="Whom it reaches; none: the team",
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    address = EncryptedModelField(help_text="E-mail address, webhook or phone number")
    created = models.DateTimeField(auto_now_add=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "name"],
                condition=Q(removed=None),
                nulls_distinct=False,
                name="reports_contact_name",
            )
        ]
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class SmsGateway(models.Model):
    """The HTTP service that sends SMS; there is one at most, with the key 1.

    Its body is JSON or a form (`To={to}&Body={text}`); `{to}` and `{text}` stand for the number and
    for what is sent.
    """

    name = models.CharField(max_length=100)
    url = EncryptedModelField(help_text="What is posted to")
    headers = EncryptedModelField(null=True, blank=True, help_text="One a line, as Name: value")
    body = EncryptedModelField(help_text="JSON or a form, with {to} and {text}")
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="reports_smsgateway_only_one")
        ]

    def __str__(self) -> str:
        return self.name
