"""Claims of speed, each with its script; README.md says how they are measured."""
