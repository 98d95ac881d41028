"""A document as fragments of LaTeX: tables, figures, references, and a minimal paper that shows them all."""
