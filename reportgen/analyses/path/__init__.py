"""How natural a kernel's synthetic clip is: its way through the layers, beside that of real clips."""
