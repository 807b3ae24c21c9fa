"""Missions: a module or folder each, which declares one `Mission`. Nothing else names one."""
