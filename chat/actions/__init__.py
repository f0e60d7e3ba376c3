"""What chat does; only this folder publishes. One file a noun."""
