"""Who people are: users, sign-in, tickets to the socket, follows."""
