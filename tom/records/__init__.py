"""What a message says once parsed: plain records that know no survey, mission or broker."""
