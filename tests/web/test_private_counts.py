"""Numbers tell of what is private, too."""

import pytest

from tests.factories import make_candidate, make_event, make_group, make_target, make_user


@pytest.mark.parametrize("page", ["/", "/events/"])
@pytest.mark.django_db
def test_an_event_counts_the_candidates_that_one_may_see(client, page):
    team, member = make_group(), make_user()
    member.groups.add(team)
    event = make_event()
    make_candidate(event, make_target())
    make_candidate(event, make_target(private=True, owners=[team]), rank=2)
    counted = []
    for user in (make_user(), member):
        client.force_login(user)
        counted += [row.n_candidates for row in rows_of(client.get(page))]

    assert counted == [1, 2]


def rows_of(response):
    return response.context["events"] if "events" in response.context else response.context["page"]
