"""How a class logit answers to every weight of every convolution, and whether that says which filters matter."""
