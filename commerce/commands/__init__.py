"""Commands and replies of the wire, one file a noun."""
