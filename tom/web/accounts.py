"""The account that the embedded mode makes, so that its owner can log in at once."""

from django.contrib.auth.models import User

from tom.web.permissions import ensure_roles

DEMO_USER = "demo"


def ensure_demo_user(password: str) -> tuple[User, bool]:
    """Return the embedded mode's user, and whether it was made now with this password.

    On one's own machine one is the administrator. An existing user stays as it is: a password
    that its owner has changed is not changed back, nor is a right taken away given again.
    Production has no such user.
    """
    existing = User.objects.filter(username=DEMO_USER).first()
    if existing is not None:
        return existing, False
    user = User.objects.create_superuser(DEMO_USER, password=password)
    user.groups.add(ensure_roles())
    return user, True
