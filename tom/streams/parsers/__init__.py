"""Bytes in, typed records out: pure functions that know no Django, no network and no stream."""
