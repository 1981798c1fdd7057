"""What the README claims, measured. Each module is a program: `python -m benchmarks.NAME`."""
