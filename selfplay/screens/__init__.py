"""What is drawn with characters for whoever plays and whoever trains."""
