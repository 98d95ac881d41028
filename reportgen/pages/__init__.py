"""From a run's manifest to pages: what each page shows, as plain data for its template. No torch, no network."""
