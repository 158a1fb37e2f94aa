"""What one run showed under each oracle: one file for each, pure; `rules` picks among them."""
