"""The summary's writer: a document as pages of HTML that hold all they show, for print and for one file."""
