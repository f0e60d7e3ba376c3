"""Selling in a live room: shops, stock, orders, money."""
