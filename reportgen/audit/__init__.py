"""The one place that judges: every limit, every verdict, and every sentence that says how far to believe a figure."""
