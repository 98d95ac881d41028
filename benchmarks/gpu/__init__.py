"""Every figure that a GPU is needed for, in one call of at most nine minutes: `python -m benchmarks.gpu`.

The work is cut into parts and these into cases. Each case is written to the JSON as it ends, so that a call that was
cut by its time, or stopped, goes on where it was when it is called again with the same file. A case that fails, or that
memory does not suffice for even with a single clip, says so in the file and is tried again by the next call.
"""
