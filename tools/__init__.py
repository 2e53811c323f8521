"""What the project's releases and their tests need; nothing here is installed."""
