"""Looking through a finished report for words that must not be in it, whatever they are packed into."""
