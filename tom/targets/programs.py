"""The programs of surveys: who may see their data."""

from django.contrib.auth.models import (
    AbstractBaseUser,
    AnonymousUser,
    Group,
    PermissionsMixin,
    User,
)
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from tom.kept_queries import Given, kept_query

Visitor = AbstractBaseUser | AnonymousUser
# The keys of the private programs that somebody reads, without the public ones, ascending.
Audience = tuple[int, ...]
PUBLIC: Audience = ()
# After a program's standing: its targets are settled once more, for its readers changed.
ANEW = " anew"


class Program(models.Model):
    """A survey's program: who may see its data."""

    survey = models.CharField(max_length=16)
    number = models.IntegerField()
    name = models.CharField(max_length=100)
    public = models.BooleanField(default=False)
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="programs"
    )
    # By what standing its targets were last settled, and how far the settling by a new one is.
    settled = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    settling = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    settled_to = models.BigIntegerField(db_default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="targets_program_number"),
            models.CheckConstraint(
                condition=Q(public=True) | Q(group__isnull=False),
                name="targets_program_has_readers",
                violation_error_message="A private program belongs to a group: choose one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey} {self.name}"

    @property
    def standing(self) -> str:
        """Who may see it, as a text that changes when this changes."""
        return "public" if self.public else f"group {self.group_id or 'none'}"

    @property
    def is_settled(self) -> bool:
        """Whether its targets are settled by its present standing.

        It does, too, while its targets are settled again for another member of the same group.
        """
        return self.settled.removesuffix(ANEW) == self.standing


def private_programs(user: Visitor) -> list[Program]:
    """All private programs, by key; `of_user` of each says whether a group of the user's has it.

    Asked for once a user as they were read.
    """
    known: list[Program] | None = getattr(user, "_private_programs", None)
    if known is None:
        known = _private_programs(isinstance(user, PermissionsMixin), user=user.pk)
        user._private_programs = known  # type: ignore[union-attr]  # of this request's own user
    return known


@kept_query
def _private_programs(has_groups: bool, *, user: Given) -> QuerySet[Program]:
    member = User.groups.through.objects.filter(user=user, group=OuterRef("group"))
    of_user = Exists(member) if has_groups else Value(False)
    return Program.objects.filter(public=False).order_by("pk").annotate(of_user=of_user)


def told_to(user: Visitor) -> Q:
    """Rows that everybody was told (their `program` is None), and those that the user may read."""
    return Q(program=None) | of_readable_programs(user)


def of_readable_programs(user: Visitor) -> Q:
    """Rows whose `program` is public or belongs to a group of the user's; all for a superuser."""
    if getattr(user, "is_superuser", False):
        return Q()
    groups = getattr(user, "groups", None)
    mine = Q() if groups is None else Q(program__group__in=groups.all())
    return Q(program__public=True) | mine
