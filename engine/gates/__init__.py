"""One rule a module, over facts that classifiers found."""
