"""Diagnoses of a sweep, each a file of one subject: from facts to findings."""
