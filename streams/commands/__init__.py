"""The room's words on the socket: what is asked, what is answered."""
