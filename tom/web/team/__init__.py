"""The team: roles, groups, private programs, invitations, and the record of what changed."""
