"""The documentation as data: guides written by hand, and a reference made of the definitions themselves.

What stands in a topic is a few kinds of blocks; `lrcli.reporting.docs` shows them in a terminal or as HTML.
"""
