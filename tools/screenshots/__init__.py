"""Pictures of the page for the documentation, of a collection that is made up."""
