"""Diagnoses of data, model and loss, which hold of a run and of a file alike; each a file of one subject."""
