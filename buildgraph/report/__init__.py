"""What people see of a build: listeners that turn events into lines, a live display, or a file."""
