"""Templates ask for a right in each row of a list: it is looked up once a page."""

from django.contrib.auth.models import Permission, User

from tests.factories import make_user
from tom.web.context import KnownRights

VET = "candidates.change_eventcandidate"


def test_rights_are_those_of_the_person(db: None) -> None:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="change_eventcandidate"))

    rights = KnownRights(User.objects.get(pk=user.pk))

    assert rights["candidates"]["change_eventcandidate"] is True
    assert rights["shifts"]["add_shift"] is False
    assert VET in rights
    assert "shifts.add_shift" not in rights


def test_a_right_is_looked_up_once(db: None) -> None:
    user = Asked(make_user())

    rights = KnownRights(user)
    for _ in range(3):
        assert not rights["candidates"]["change_eventcandidate"]

    assert user.asked == [VET]


class Asked:
    """A person who notes what is asked of them."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.asked: list[str] = []

    def has_perm(self, name: str) -> bool:
        self.asked.append(name)
        return self.person.has_perm(name)
