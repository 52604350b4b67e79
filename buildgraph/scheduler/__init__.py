"""Order (`plan`), staleness (`staleness`) and the loop that joins them."""
