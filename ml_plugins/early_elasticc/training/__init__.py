"""Fit and measure `early_elasticc` on labelled alerts of ELAsTiCC."""
