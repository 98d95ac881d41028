"""What each analysis answers: one model a method, written by the analysis and read by everyone else. No torch."""
