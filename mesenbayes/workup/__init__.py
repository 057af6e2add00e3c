"""What to do next: which test is worth ordering."""
