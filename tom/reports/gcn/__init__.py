"""Drafts of GCN Circulars: filled from the data, edited by people, sent by nobody but them."""
