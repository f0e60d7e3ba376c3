"""The servers a bench compares, each started alone on its core."""
