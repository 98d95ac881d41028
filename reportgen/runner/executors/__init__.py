"""Who does the work of a plan: this process, and later others."""
