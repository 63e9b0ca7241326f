"""What Numba compiles. Nothing here runs in the process that trains."""
