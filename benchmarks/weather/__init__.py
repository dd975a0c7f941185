"""The engine under limits, outages and listings that nobody announced: `python -m benchmarks.weather`."""
