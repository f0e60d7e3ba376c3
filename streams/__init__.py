"""The live broadcast: its life, its media, its viewers."""
