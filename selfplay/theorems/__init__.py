"""Problems given to a prover: from a run, one by one or a whole folder, and step by step."""
