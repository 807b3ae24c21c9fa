"""Measure a scorer on labelled light curves: read the files, judge, compute figures, report."""
