"""Bringing a site to GitHub Pages: a branch of a remote, written without the working tree, or a workflow."""
