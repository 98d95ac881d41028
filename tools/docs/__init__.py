"""The documentation site of reportgen: what is generated for it, and how it is built."""
