"""Counterpart: a target and observation manager for people who chase transients."""

from tom.celery import app as celery_app

__all__ = ["celery_app"]
