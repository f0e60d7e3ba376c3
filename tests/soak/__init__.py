"""What takes long and is run by hand: `make soak NAME=sale`."""
