"""A report in a few pages: what its pages know, chosen and ordered as one document in the neutral model."""
