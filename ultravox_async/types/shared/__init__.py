"""What several tags of the API have in common, one module for each topic."""
