"""Networks and figures of which it is known that a verdict must not pass, and others of which it must."""
