"""The forms in which a report leaves the machine: archive, tables and others, each a plug-in of one interface."""
