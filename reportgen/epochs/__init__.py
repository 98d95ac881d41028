"""A network judged in memory, without a run or a site: cheap enough for every epoch of a training."""
