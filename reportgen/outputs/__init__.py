"""What a report holds, in a form of its own, and the writers that turn it into what a reader opens or takes away."""
