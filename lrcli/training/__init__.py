"""Training a population: the problem, its members, the engine that trains them, the records it yields."""
