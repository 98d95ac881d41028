"""Running the same network faster: memory order, folded strides, compilation, memory that is kept."""
