"""What we send: messages to the community, notifications to users, alarms to people on shift."""
