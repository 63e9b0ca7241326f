"""The glossary: each word of the reports and of the tables, in a few sentences with a source."""
