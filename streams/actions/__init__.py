"""What can be done to streams; one file a noun. `lifecycle` alone changes a state."""
