"""What helps people to write experiment files: the schema, first files, completion, descriptions."""
