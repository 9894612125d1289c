"""What runs say together: curves, crossings, fits and their intervals. Nothing is drawn here."""
