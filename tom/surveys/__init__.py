"""Surveys: a folder each, which declares one `Survey`. Nothing else in `tom` names one."""
