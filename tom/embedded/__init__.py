"""Embedded mode: PostgreSQL, Redis, workers, ingester and web server under one supervisor."""
