"""Files of the corpus, one module for each tool."""
