"""What the room does, one file a noun; in its caller's transaction unless said."""
