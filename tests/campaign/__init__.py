"""The long proof that nothing is lost and nothing leaks: `python -m tests.campaign --requests 100000 --seed 1`."""
