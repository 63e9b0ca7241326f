"""What a run leaves on disk: its directory, its files, and what its numbers depended on."""
