"""How a comparison is told: tables, figures, the page, TensorBoard. Nothing is computed here."""
