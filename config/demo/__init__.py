"""A shop to look at: people, goods, a host on air and a crowd, all by our own code.

Nothing here runs unless SOUK_DEMO=1; `make run` sets it.
"""
