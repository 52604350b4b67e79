"""Doing the work: worker processes, what they are asked, and how values and files get in and out of them."""
