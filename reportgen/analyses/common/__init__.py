"""What several methods share: targets, budgets, memory, responses, rankings."""
