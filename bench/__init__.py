"""Measures the real program over HTTP: load, receiver and program are processes of their own (docs/performance.md)."""
