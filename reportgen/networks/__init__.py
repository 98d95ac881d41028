"""What may be asked of any torch network: layers, taps, partial forward passes, kernel connections."""
