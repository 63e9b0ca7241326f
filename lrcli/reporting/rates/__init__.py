"""Learning rates that were tried: their table, their sentences, their picture."""
