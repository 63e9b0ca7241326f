"""What a run leaves on disk: its files, its result and curves as types, and what its numbers depended on."""
