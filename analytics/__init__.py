"""Maths that SQL can't do: pure functions from frames to frames, without input, output or global state."""
