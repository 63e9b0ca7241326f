"""What a run, a sweep or an experiment file comes to, and why, in sentences made of what was computed."""
