"""The outbox: send each thing once, know the outcome, and repeat only what was surely not sent."""
