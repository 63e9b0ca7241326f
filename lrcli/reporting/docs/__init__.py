"""The documentation, shown: in a terminal, and as pages of HTML that lead to one another."""
