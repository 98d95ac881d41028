"""What the jobs of a plan will cost: a model fitted to what the records of earlier ones took."""
