"""What clients may ask of chat, and what they are answered; one file a noun."""
