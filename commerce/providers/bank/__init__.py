"""A small bank of our own, for development and tests: no money, but true habits.

It speaks payment intents with idempotency keys, keeps its own books, has a page where
the buyer pays or declines, and sends signed news. `provider.py` is the shop's side and
reaches the rest only over HTTP; `ledger.py`, `views.py` and `news.py` are the bank's.
"""
