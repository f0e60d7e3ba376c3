"""What people see: pages, and the components alive in them."""
