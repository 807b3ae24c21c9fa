"""The outbox: send each thing once, find out the outcome, repeat only what was surely not sent."""
