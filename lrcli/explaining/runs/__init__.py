"""Diagnoses of a run, each a file of one subject: from facts to findings."""
