"""What people say: direct messages and live comments."""
