"""Diagnoses of an experiment file, each a file of one subject: from facts to findings."""
