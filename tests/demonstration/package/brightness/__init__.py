"""How bright a clip is: a method that an installed package adds."""
