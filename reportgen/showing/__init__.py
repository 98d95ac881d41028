"""Results as people see and keep them: in notebooks, as files, as tables. Nothing here computes."""
