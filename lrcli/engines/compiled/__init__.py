"""The compiled engine: dense models on the CPU, in machine code."""
